// Modal dialogs: the browser's own, which keep the focus inside and give it back.
import { el, iconButton } from "./dom.js";

// Shows `content` under a title. Returns the dialog; close it with close(). It is removed when it closes.
export function openDialog(title, content, { onClose = () => {} } = {}) {
  const heading = el("h2", { id: "dialog-title" }, title);
  const dialog = el("dialog", { "aria-labelledby": "dialog-title" });
  const close = iconButton("close", "Close", () => dialog.close(), { class: "dialog-close" });
  // Last, so that the focus begins in the content.
  dialog.append(heading, content, close);
  dialog.addEventListener("close", () => {
    dialog.remove();
    onClose(dialog.returnValue);
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
