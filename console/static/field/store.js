// The phone's own memory, IndexedDB in promises: `kept` holds the last answers of the console, `outbox` what waits to be sent, `photos` its pictures.
// A write is on the disk when its promise resolves, so that a killed tab, or a phone without battery, loses nothing that was shown as kept.
const NAME = "cityloop-field", VERSION = 1;
const STORES = { kept: {}, outbox: { keyPath: "seq", autoIncrement: true }, photos: { keyPath: "id" } };

let opening;

function open() {
  return opening ??= new Promise((done, failed) => {
    const asked = indexedDB.open(NAME, VERSION);
    asked.onupgradeneeded = () => Object.entries(STORES).forEach(([name, options]) => asked.result.createObjectStore(name, options));
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => failed(asked.error);
  });
}

const answer = (request) => new Promise((done, failed) => {
  request.onsuccess = () => done(request.result);
  request.onerror = () => failed(request.error);
});

/** All of it or nothing: `work` gets the stores by name and makes its requests at once; resolves when everything is on the disk. */
export async function change(names, work) {
  const all = (await open()).transaction(names, "readwrite", { durability: "strict" });
  const result = work(Object.fromEntries(names.map((name) => [name, all.objectStore(name)])));
  await new Promise((done, failed) => {
    all.oncomplete = done;
    all.onabort = all.onerror = () => failed(all.error);
  });
  return result instanceof IDBRequest ? result.result : result;
}

/** Every value of a store, in the order of its keys. */
export const every = async (name) => answer((await open()).transaction(name).objectStore(name).getAll());

/** One value, or undefined. */
export const one = async (name, key) => answer((await open()).transaction(name).objectStore(name).get(key));

/** Keep a value of the console under a name, with the time it was asked for (ms). */
export const keep = (name, value) => change(["kept"], ({ kept }) => void kept.put({ value, at: Date.now() }, name));

/** Forget what the console said; what waits to be sent stays. */
export const forget = () => change(["kept"], ({ kept }) => void kept.clear());
