// Opens Studio with a new model, and asks the model that it was made from the same.
import { compareModels, setModels } from "../../header/models/store.js";
import { openView } from "../../header/views.js";
import { call } from "../../studio/api/call.js";

/**
 * @param {string} name of the new model
 * @param {string} base of the model that it was made from
 */
export async function tryModel(name, base) {
  const { models } = await call("studio_models");
  setModels(models);
  compareModels(name, base);
  openView("studio");
}
