// Sends files to the server.
import { addressOf } from "./call.js";
import { ConnectionLost, Explained, RequestRefused } from "./errors.js";

/**
 * Sends a file; only XMLHttpRequest says how much of it has gone.
 *
 * @param {Blob} file
 * @param {string} name
 * @param {{signal?: AbortSignal, onProgress?: (share: number) => void}} [options]
 * @returns {Promise<string>} its path on the server
 */
export function upload(file, name, { signal, onProgress } = {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(), form = new FormData();
    form.append("files", file, name);
    request.open("POST", addressOf("gradio_api/upload"));
    request.setRequestHeader("Accept", "application/json");
    request.responseType = "json";
    request.upload.onprogress = ({ loaded, total }) => total && onProgress?.(loaded / total);
    request.onload = () => {
      const path = request.status === 200 && request.response?.[0];
      if (typeof path === "string") resolve(path);
      else if (typeof request.response?.error === "string") reject(new Explained(request.response.error));
      else reject(request.status >= 502 ? new ConnectionLost() : new RequestRefused("", request.status));
    };
    request.onerror = () => reject(new ConnectionLost());
    request.onabort = () => reject(new DOMException("", "AbortError"));
    signal?.addEventListener("abort", () => request.abort());
    if (signal?.aborted) reject(new DOMException("", "AbortError"));
    else request.send(form);
  });
}
