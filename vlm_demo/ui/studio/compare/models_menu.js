// The models that another answer can be asked of.
import { say } from "../../i18n/say.js";
import { translate } from "../server_text.js";

/** @typedef {import("../studio.js").Studio} Studio */

/**
 * @param {Studio} studio
 * @param {string} id of the turn
 * @returns {import("../../components/popover.js").MenuItem[]}
 */
export function compareItems(studio, id) {
  const { start, conversation } = studio.store.get();
  const turn = conversation.turns.find((one) => one.id === id);
  if (!turn) return [];
  const asked = new Set(turn.answers.map(({ model }) => model));
  const usable = (start?.models ?? []).filter((/** @type {any} */ model) => model.group !== "elsewhere" && !asked.has(model.name));
  const items = usable.map((/** @type {any} */ model) => {
    const can = model.can?.[turn.task] ?? true;
    return {
      label: model.title ?? model.name, disabled: can !== true, hint: can === true ? describeModel(model) : translate(can), data: { model: model.name },
      act: () => void studio.asking.compare(id, model.name),
    };
  });
  items.sort((/** @type {any} */ one, /** @type {any} */ other) => Number(one.disabled) - Number(other.disabled));
  return items.length ? items : [{ label: say("There is no other model."), disabled: true }];
}

/** @param {any} model */
function describeModel({ size, gigabytes, loaded, group }) {
  const place = loaded ? say("loaded") : group === "fits" ? say("downloads on first use") : "";
  return [size, gigabytes && !loaded ? say("{size} GB", { size: gigabytes }) : "", place].filter(Boolean).join(" · ");
}
