// What will happen with several selected pictures, said before it does.
import { fill, h } from "../../components/dom.js";
import { say } from "../../i18n/say.js";
import { selectedPictures } from "../state/attached.js";
import { spreadFrames } from "../state/requests.js";
import { filmOf, groupsOf } from "../conversation/new_turn.js";

/** @typedef {import("../studio.js").Studio} Studio */

/**
 * @param {Studio} studio
 * @returns {HTMLElement}
 */
export function createSelectionNote(studio) {
  const root = h("div", { class: "composer-notes", role: "status" });
  const { store } = studio;
  const state = () => {
    const { draft, conversation } = store.get(), model = studio.model(), count = selectedPictures(draft).length;
    const turns = count > 1 && !filmOf(draft, conversation) ? groupsOf(draft, conversation, model?.max_images).length : 1;
    const most = model?.max_images ?? Infinity, frames = turns > 1 || draft.mode === "find" ? null : spreadFrames(conversation, selectedPictures(draft), most);
    return { count, turns, most, frames: frames?.length ?? 0, title: model?.title ?? "" };
  };
  const onlyShown = () => studio.changeDraft((draft) => {
    const { shown } = store.get().conversation, key = draft.pictures.find((one) => one === shown) ?? draft.pictures[0];
    return { ...draft, left: draft.pictures.filter((one) => one !== key) };
  });
  store.subscribe(() => JSON.stringify(state()), () => {
    const { count, turns, most, frames, title } = state();
    if (frames) return fill(root, h("p", { class: "note" }, say("{model} sees {most} at a time: it is shown so many of the {count} selected frames, evenly spaced.", { model: title, most, count })));
    fill(root, turns > 1 ? h(
      "p", { class: "note" }, most < count ? say("{model} sees {most} at a time: the {count} selected images are asked about one by one.", { model: title, most, count })
        : say("The {count} selected images are asked about one by one.", { count }), " ",
      h("button", { type: "button", class: "text-button", onclick: onlyShown }, say("Only this one")),
    ) : null);
  }, { now: true });
  return root;
}
