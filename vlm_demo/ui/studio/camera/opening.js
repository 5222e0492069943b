// Opens a camera, or says why it cannot be opened.
import { message } from "../../i18n/say.js";
import { Explained } from "../api/errors.js";

/** What is said of each failure, by its name: https://www.w3.org/TR/mediacapture-streams/#dom-mediadevices-getusermedia. @type {Record<string, string>} */
const REASONS = {
  NotAllowedError: message("The browser does not allow the camera. Allow it for this page in the address bar, and open the camera again."),
  SecurityError: message("The browser does not allow the camera. Allow it for this page in the address bar, and open the camera again."),
  NotFoundError: message("This computer has no camera. Connect one, or add an image instead."),
  OverconstrainedError: message("This computer has no camera. Connect one, or add an image instead."),
  NotReadableError: message("The camera is used by another program. Close that one, and open the camera again."),
  AbortError: message("The camera is used by another program. Close that one, and open the camera again."),
};

/**
 * @param {Pick<MediaDevices, "getUserMedia"> | undefined} devices those of the browser; undefined: the page came without https
 * @returns {Promise<MediaStream>}
 * @throws {Explained} there is no camera that may be used
 */
export async function openCamera(devices) {
  if (!devices) throw new Explained(message("Browsers give the camera only to pages with https, or on localhost. Open this page with https."));
  try {
    return await devices.getUserMedia({ video: { width: { ideal: 1920 }, facingMode: { ideal: "environment" } }, audio: false });
  } catch (error) {
    const name = error instanceof DOMException || error instanceof Error ? error.name : "";
    throw new Explained(REASONS[name] ?? message("The camera cannot be opened. Try again, or add an image instead."));
  }
}

/**
 * Turns a camera off: its light goes out.
 * @param {MediaStream | null} stream
 */
export const closeCamera = (stream) => stream?.getTracks().forEach((track) => track.stop());
