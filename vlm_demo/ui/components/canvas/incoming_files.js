import { picturesAmong } from "./picture_files.js";

/**
 * Take pictures that are dropped on an element.
 *
 * @param {HTMLElement} element has the class `over` while files are held over it
 * @param {(files: File[]) => void} onFiles
 */
export function takeDrops(element, onFiles) {
  /** @param {DragEvent} event */
  const brings = (event) => Boolean(event.dataTransfer?.types.includes("Files"));
  for (const name of /** @type {const} */ (["dragenter", "dragover"]))
    {element.addEventListener(name, (event) => {
      if (!brings(event)) return;
      event.preventDefault();
      element.classList.add("over");
    });}
  element.addEventListener("dragleave", (event) => {
    if (!(event.relatedTarget instanceof Node && element.contains(event.relatedTarget))) element.classList.remove("over");
  });
  element.addEventListener("drop", (event) => {
    if (!brings(event) || event.defaultPrevented) return;
    event.preventDefault();
    element.classList.remove("over");
    const files = picturesAmong(event.dataTransfer?.files ?? []);
    if (files.length) onFiles(files);
  });
}

/**
 * Take pictures that are pasted anywhere on the page while an element is seen.
 *
 * @param {HTMLElement} element
 * @param {(files: File[]) => void} onFiles
 */
export function takePastes(element, onFiles) {
  document.addEventListener("paste", (event) => {
    const files = picturesAmong(event.clipboardData?.files ?? []);
    if (!files.length || element.offsetParent === null || event.defaultPrevented) return;
    event.preventDefault();
    onFiles(files);
  });
}
