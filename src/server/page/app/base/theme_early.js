// Before anything is drawn: the theme that was chosen here, so that a dark page never flashes white.
(() => {
  let theme = null;
  try {
    theme = JSON.parse(localStorage.getItem("amanuensis.theme"));
  } catch {
    // The system's own.
  }
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  document.documentElement.dataset.theme = theme === "light" || theme === "dark" ? theme : system;
})();
