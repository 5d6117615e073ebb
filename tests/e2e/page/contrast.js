// Text whose contrast with its ground is below WCAG's AA (2.2, 1.4.3): "ratio text" each. Run by access_test.py.
const parse = (colour) => {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const pen = canvas.getContext("2d");
  pen.fillStyle = colour;
  pen.fillRect(0, 0, 1, 1);
  const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
  return [r, g, b, a / 255];
};
const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
const luminance = (colour) => {
  const [r, g, b] = colour.slice(0, 3).map((part) => {
    const value = part / 255;
    return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const ground = (node) => {
  if (node === null) return [255, 255, 255, 1];
  const colour = parse(getComputedStyle(node).backgroundColor);
  return colour[3] === 1 ? colour : over(colour, ground(node.parentElement));
};
const faint = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let text = walker.nextNode(); text; text = walker.nextNode()) {
  const node = text.parentElement;
  const style = getComputedStyle(node);
  const box = node.getBoundingClientRect();
  const shown = box.width > 1 && box.height > 1 && style.visibility === "visible" && !node.closest(".sr-only, .skip, option, svg");
  if (text.textContent.trim() === "" || !shown || node.closest(":disabled, label:has(:disabled)")) continue;
  const below = ground(node);
  const [a, b] = [luminance(over(parse(style.color), below)), luminance(below)].sort((x, y) => y - x);
  const ratio = (a + 0.05) / (b + 0.05);
  const size = Number.parseFloat(style.fontSize);
  const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  if (ratio < (large ? 3 : 4.5)) faint.push(`${ratio.toFixed(2)} ${text.textContent.trim().slice(0, 40)}`);
}
return faint;
