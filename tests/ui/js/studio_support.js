// Turns and answers for the tests of Studio's state.
import { newAnswer } from "../../../vlm_demo/ui/studio/state/answers.js";
import { newConversation } from "../../../vlm_demo/ui/studio/state/conversations.js";

export const answer = (id, values = {}) => ({ ...newAnswer(id, "model", 0), status: "done", ...values });

export const turn = (id, values = {}) => ({
  id, task: "chat", text: "", targets: [], regions: [], pictures: [], options: {}, model: "model", answers: [], created: 0, changed: 0, ...values,
});

export const conversation = (turns = [], values = {}) => ({ ...newConversation("conversation", 0), turns, ...values });

export const box = (...bounds) => ({ box: bounds });

export const mention = (phrase, count, values = {}) => ({
  phrase, target: "", span: null, image: 0, colour: "#000000", dash: [], confidence: null, kind: null,
  regions: Array.from({ length: count }, (_, index) => box(index / 100, 0, (index + 1) / 100, 1)), ...values,
});
