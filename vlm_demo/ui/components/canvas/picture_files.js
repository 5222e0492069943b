// Which of the files that come in are pictures, or documents and films whose pages and frames are. A browser may give no type, and cameras write names in capitals.

const PICTURE_NAME = /\.(png|jpe?g|jfif|webp|gif|bmp|tiff?|heic|heif|avif|ico|apng|pdf|mp4|m4v|mov|webm|mkv|avi|mpe?g|wmv|flv|ogv)$/i;

/** What an `input` of files offers. */
export const ACCEPT = "image/*,application/pdf,video/*,.mkv,.heic,.heif,.avif,.HEIC,.HEIF,.AVIF";

/**
 * Return the pictures among files. A file without a type and without a known ending may be one too: the server looks
 * into it; where nothing looks like a picture, all are returned, for the server to say what is wrong with them.
 *
 * @template {{name: string, type: string}} Named
 * @param {Iterable<Named>} files
 * @returns {Named[]}
 */
export function picturesAmong(files) {
  const all = [...files];
  const pictures = all.filter(({ name, type }) => type.startsWith("image/") || type === "application/pdf" || type.startsWith("video/") || (!type && !/\.\w+$/.test(name)) || PICTURE_NAME.test(name));
  return pictures.length ? pictures : all;
}
