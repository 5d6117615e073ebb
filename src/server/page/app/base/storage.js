// What this browser keeps: small settings, and for each job its recording and the edited transcript. Nothing here
// throws: a browser that keeps nothing (private windows, full disks) only forgets.

export function readSetting(name, otherwise) {
  try {
    const text = localStorage.getItem(`amanuensis.${name}`);
    return text === null ? otherwise : JSON.parse(text);
  } catch {
    return otherwise;
  }
}

export function writeSetting(name, value) {
  try {
    if (value === undefined) localStorage.removeItem(`amanuensis.${name}`);
    else localStorage.setItem(`amanuensis.${name}`, JSON.stringify(value));
  } catch {
    // Kept for this visit only.
  }
}

let opening = null;

function open() {
  opening ??= new Promise((resolve, reject) => {
    const request = indexedDB.open("amanuensis", 1);
    request.onupgradeneeded = () => {
      for (const name of ["recordings", "transcripts"]) request.result.createObjectStore(name);
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return opening;
}

async function inStore(name, mode, act) {
  try {
    const database = await open();
    return await new Promise((resolve, reject) => {
      const request = act(database.transaction(name, mode).objectStore(name));
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  } catch {
    return undefined;
  }
}

// Stores: "recordings" (id -> Blob), "transcripts" (id -> document).
export const kept = {
  get: (store, id) => inStore(store, "readonly", (all) => all.get(id)),
  put: (store, id, value) => inStore(store, "readwrite", (all) => all.put(value, id)),
  remove: (store, id) => inStore(store, "readwrite", (all) => all.delete(id)),
  keys: async (store) => (await inStore(store, "readonly", (all) => all.getAllKeys())) ?? [],
};
