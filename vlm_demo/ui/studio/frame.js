// Work that is done once for all that happens before the next frame.

/**
 * @param {() => void} act
 * @returns {() => void} asks for it
 */
export function perFrame(act) {
  let asked = 0;
  return () => {
    asked ||= requestAnimationFrame(() => {
      asked = 0;
      act();
    });
  };
}
