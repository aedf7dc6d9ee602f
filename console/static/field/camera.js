// A photo as it is sent: the bytes the camera made, when and where. Only one that is over the console's limit is made smaller; its hour and place then
// stand in the fields beside it, for a picture that is drawn anew has lost its own.
import { cityNow, citySpeed } from "../lib/time.js";
import { position } from "./where.js";

const MOST_BYTES = 10e6, LONGEST_PX = 3000, QUALITY = 0.85, NEW_MS = 120e3;

/** {id, blob, captured_at, lon, lat}: position only for a photo just taken, for one from the album was not taken here. */
export async function photograph(file, id) {
  const fresh = Date.now() - file.lastModified < NEW_MS, here = fresh ? await position() : null;
  const wrong = citySpeed() === 1 ? cityNow() - Date.now() : 0; // a phone's clock may be; the server puts it on the clock of a demo's fast city
  const captured_at = new Date(file.lastModified + wrong).toISOString();
  return { id, blob: file.size > MOST_BYTES ? await smaller(file) : file, captured_at, lon: here?.lon ?? null, lat: here?.lat ?? null };
}

async function smaller(file) {
  const picture = await createImageBitmap(file), scale = Math.min(1, LONGEST_PX / Math.max(picture.width, picture.height));
  const canvas = Object.assign(document.createElement("canvas"), { width: Math.round(picture.width * scale), height: Math.round(picture.height * scale) });
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
}
