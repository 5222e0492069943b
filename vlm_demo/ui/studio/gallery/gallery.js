import { fill, h } from "../../components/dom.js";
import { takeDrops } from "../../components/canvas/incoming_files.js";
import { icon } from "../../components/canvas/icons.js";
import { attachMenu } from "../../components/popover.js";
import { language, say } from "../../i18n/say.js";
import { AddressForm } from "./address_form.js";
import { ExampleButton } from "./example_button.js";
import { putOwnFirst } from "./example_order.js";
import { FileChooser } from "./file_chooser.js";

/** @import { MenuItem } from "../../components/popover.js" */
/** @import { Example, ExampleRequest } from "./example_button.js" */

/**
 * @typedef {object} GalleryOptions
 * @property {(files: File[]) => void} onFiles
 * @property {(example: Example, request: ExampleRequest | null) => void} onExample it is to be opened, and asked about
 * @property {(address: string) => Promise<void>} onAddress a picture of this address; it throws an error whose message
 *   says why there is none
 * @property {() => boolean} takesAddresses whether such pictures are allowed
 * @property {() => void} onCamera the camera of this computer is to be opened
 * @property {() => void} onConversations an earlier conversation, or one in a file, is to be opened
 * @property {string} [largest] size of the largest file, in words
 */

/** What stands in the place of the picture while there is none: a place to drop one, and examples. */
export class Gallery {
  /** @type {readonly Example[]} */
  #examples = [];

  #options;
  #chooser;
  #address;
  #grid = h("div", { class: "gallery-grid" });

  /**
   * @param {HTMLElement} host
   * @param {GalleryOptions} options
   */
  constructor(host, options) {
    this.#options = options;
    this.#chooser = new FileChooser(options.onFiles);
    this.#address = new AddressForm(options.onAddress);
    const ways = h("button", { type: "button", class: "quiet" }, say("More ways"), icon("down"));
    // The examples come first for those who go from stop to stop by keyboard.
    this.element = h(
      "div",
      { class: "gallery" },
      h("h2", {}, say("Or try an example")),
      this.#grid,
      h("div", { class: "drop-target" },
        icon("image"), h("p", {}, h("b", {}, say("Drop an image, paste, or browse")), this.#limit()), this.#chooser.element),
      h("div", { class: "ways" }, this.#chooser.touchCamera, ways),
      this.#address.element,
    );
    attachMenu(ways, () => this.#items(), say("More ways"));
    takeDrops(host, options.onFiles);
    host.append(this.element);
  }

  /** @returns {MenuItem[]} */
  #items() {
    const { onCamera, onConversations, takesAddresses } = this.#options;
    return [
      ...(this.#examples.length > 1 ? [{ label: say("Random example"), icon: icon("dice"), act: () => this.#openRandom() }] : []),
      ...(takesAddresses() ? [{ label: say("From a web address"), icon: icon("link"), act: () => this.#address.open() }] : []),
      { label: say("Camera…"), icon: icon("camera"), act: onCamera },
      { label: say("Open a conversation…"), icon: icon("table"), act: onConversations },
    ];
  }

  #limit() {
    const { largest } = this.#options;
    return largest ? h("small", {}, say("Images, PDF and others, up to {most}", { most: largest })) : null;
  }

  /**
   * @param {readonly Example[]} examples
   * @param {(request: ExampleRequest) => boolean} [isPossible] whether the chosen model can be asked this
   */
  show(examples, isPossible = () => true) {
    this.#examples = putOwnFirst(examples, language());
    const buttons = this.#examples.map((example) => new ExampleButton(example, isPossible, this.#options.onExample));
    fill(this.#grid, buttons.map(({ element }) => element));
    this.#open = (index) => buttons[index].open();
  }

  /** Open the chooser of files. */
  chooseFiles() {
    this.#chooser.open();
  }

  /** @type {(index: number) => void} */
  #open = () => {};

  #openRandom() {
    this.#open(Math.floor(Math.random() * this.#examples.length));
  }
}
