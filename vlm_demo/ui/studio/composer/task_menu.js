// The chip that says what is asked for, and the menu that changes it. What the model cannot do is grey, with the reason.
import { fill, h } from "../../components/dom.js";
import { attachMenu } from "../../components/popover.js";
import { say } from "../../i18n/say.js";
import { icon } from "../icons.js";
import { translate } from "../server_text.js";
import { MODE_HINTS, MODE_NAMES, MODES, obstacleTo, STYLE_NAMES, STYLES } from "./modes.js";

/** @typedef {import("../studio.js").Studio} Studio */

/**
 * @param {Studio} studio
 * @param {() => void} onChosen
 * @returns {HTMLElement}
 */
export function createTaskMenu(studio, onChosen) {
  const button = h("button", { type: "button", id: "studio-task", class: "chip-button", title: say("Choose the task") });
  const choose = (/** @type {import("../state/types.js").Mode} */ mode, /** @type {string} */ style = "short") => {
    studio.changeDraft((draft) => ({ ...draft, mode, style, auto: false, asking: false, problem: null }));
    onChosen();
  };
  const items = () => {
    const { draft } = studio.store.get(), model = studio.model();
    return MODES.flatMap((mode) => {
      const obstacle = obstacleTo(model, mode, "short"), disabled = obstacle !== null;
      const hint = obstacle === null ? say(MODE_HINTS[mode]) : translate(obstacle) || say("The model cannot do this.");
      const item = { label: say(MODE_NAMES[mode]), hint, disabled, checked: draft.mode === mode, data: { task: mode }, act: () => choose(mode) };
      return mode === "caption" && !disabled ? [item, ...styleItems()] : [item];
    });
  };
  const styleItems = () => {
    const { draft } = studio.store.get(), model = studio.model();
    return STYLES.slice(1).map((style) => {
      const obstacle = obstacleTo(model, "caption", style);
      return {
        label: say("Caption: {style}", { style: say(STYLE_NAMES[style]) }), hint: obstacle === null ? "" : translate(obstacle), disabled: obstacle !== null,
        checked: draft.mode === "caption" && draft.style === style, data: { style }, act: () => choose("caption", style),
      };
    });
  };
  attachMenu(button, items, say("Task"));
  studio.store.subscribe(({ draft }) => `${draft.mode} ${draft.style}`, () => {
    const { mode, style } = studio.store.get().draft;
    const name = mode === "caption" && style !== "short" ? say("Caption: {style}", { style: say(STYLE_NAMES[style]) }) : say(MODE_NAMES[mode]);
    fill(button, name, icon("down"));
    button.setAttribute("aria-label", say("Task: {name}", { name }));
    button.dataset.mode = mode;
  }, { now: true });
  return button;
}
