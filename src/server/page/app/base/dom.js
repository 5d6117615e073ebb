// Builds elements. Text always goes in as text: nothing on this page parses HTML that came from elsewhere.

const kSvg = "http://www.w3.org/2000/svg";

// el("button", {class: "quiet", type: "button", on: {click: act}}, "Play"). `true` sets an empty attribute; false, null
// and undefined leave it out. Children are nodes or text.
export function el(tag, props = {}, ...children) {
  return fill(document.createElement(tag), props, children);
}

export function svg(tag, props = {}, ...children) {
  return fill(document.createElementNS(kSvg, tag), props, children);
}

function fill(node, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (value === false || value === null || value === undefined) continue;
    if (name === "on") {
      for (const [event, handler] of Object.entries(value)) node.addEventListener(event, handler);
    } else if (name === "data") {
      Object.assign(node.dataset, value);
    } else {
      node.setAttribute(name, value === true ? "" : String(value));
    }
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export function button(label, act, props = {}, ...children) {
  return el("button", { type: "button", ...props, on: { click: act } }, ...(children.length > 0 ? children : [label]));
}

// A button that shows only a picture: its label is read out and shown as a hint.
export function iconButton(name, label, act, props = {}) {
  const { class: more = "", ...rest } = props;
  return el(
    "button",
    {
      type: "button",
      class: `icon-button ${more}`.trim(),
      "aria-label": label,
      title: label,
      ...rest,
      on: { click: act }
    },
    icon(name),
  );
}

export function setLabel(node, label) {
  node.setAttribute("aria-label", label);
  node.setAttribute("title", label);
}

// On phones, where the list of transcripts is a page of its own.
export function backLink() {
  const label = "All transcripts";
  return el("a", { class: "icon-button back", href: "#/", "aria-label": label, title: label }, icon("back"));
}

// Strokes on a 24 x 24 grid.
const kIcons = {
  play: "M8 5.5v13l10.5-6.5z",
  pause: "M8.5 5.5v13M15.5 5.5v13",
  back: "M14.5 5.5 8 12l6.5 6.5",
  plus: "M12 5v14M5 12h14",
  file: "M7 3.5h7l4 4v13H7zM14 3.5v4h4",
  folder: "M3.5 6.5h6l2 2.5h9v10.5h-17z",
  microphone: "M12 3.5a3 3 0 0 1 3 3V12a3 3 0 0 1-6 0V6.5a3 3 0 0 1 3-3zM5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3",
  captions: "M3.5 5.5h17v13h-17zM7 11h5M15 11h2M7 14.5h2M12 14.5h5",
  chip: "M7.5 7.5h9v9h-9zM10 3.5v4M14 3.5v4M10 16.5v4M14 16.5v4M3.5 10h4M3.5 14h4M16.5 10h4M16.5 14h4",
  search: "M10.5 4.5a6 6 0 1 1 0 12 6 6 0 0 1 0-12zM15 15l5 5",
  undo: "M8.5 5 4.5 9l4 4M4.5 9H14a5 5 0 0 1 0 10H9",
  redo: "M15.5 5l4 4-4 4M19.5 9H10a5 5 0 0 0 0 10h5",
  edit: "M5 19l1-4L16.5 4.5l3 3L9 18z",
  close: "M6 6l12 12M18 6 6 18",
  up: "M6 14.5 12 8.5l6 6",
  down: "M6 9.5l6 6 6-6",
  download: "M12 4v11M7.5 11 12 15.5 16.5 11M4.5 19.5h15",
  theme: "M12 3.5a8.5 8.5 0 1 0 0 17zM12 3.5a8.5 8.5 0 0 1 0 17",
  person: "M12 4a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7zM5 20a7 7 0 0 1 14 0",
  stop: "M7 7h10v10H7z",
  key: "M8 9.5a4 4 0 1 1 0 8 4 4 0 0 1 0-8zM11 10.5 19 4M16 6.5l2.5 3",
};

export function icon(name) {
  return svg("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true", focusable: "false" },
             svg("path", { d: kIcons[name] }));
}
