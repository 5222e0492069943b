// Which page, frame or picture an answer is about, where its question was asked about a part of what is attached.
import { fill, h } from "../../components/dom.js";
import { say } from "../../i18n/say.js";
import { kindOf } from "../strip/entries.js";
import { labelOf } from "../strip/thumbnail.js";

/** @typedef {import("../studio.js").Studio} Studio */
/** @typedef {import("../state/types.js").Turn} Turn */

/**
 * @param {Studio} studio
 * @param {HTMLElement} element
 * @param {Turn} turn
 */
export function showPlace(studio, element, { pictures: keys, part, film }) {
  const { pictures } = studio.store.get().conversation, own = keys.map((key) => pictures.find((one) => one.key === key)).filter((one) => one !== undefined);
  const named = own.filter(({ frames }) => !film && (part || frames > 1));
  element.hidden = !named.length;
  const names = named.map((one) => (one.frames > 1 ? labelOf(kindOf(one), one.frame ?? 0, one.times?.[one.frame ?? 0] ?? null) : one.name));
  const words = [...names, part?.count ?? ""].join("\n");
  if (element.dataset.words === words) return;
  element.dataset.words = words;
  fill(element, ...named.map((one, index) => h("button", { type: "button", class: "citation", onclick: () => studio.showPicture(one.key) }, names[index])),
    part ? h("span", { class: "hint" }, say("{number} of {count}", { number: part.index + 1, count: part.count })) : null);
}
