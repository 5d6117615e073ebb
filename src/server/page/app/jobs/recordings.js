// The recordings of the last jobs, kept in this browser so that they can be heard beside their transcripts later.
import { kept, readSetting, writeSetting } from "../base/storage.js";

const kMost = 30;
const kLargestBytes = 200e6;

// Larger recordings are not kept: they would fill the disk, and the server has them.
export async function keepRecording(id, blob) {
  if (blob.size > kLargestBytes) return;
  const ids = [...readSetting("recordings", []).filter((each) => each !== id), id];
  await kept.put("recordings", id, blob);
  for (const old of ids.splice(0, Math.max(0, ids.length - kMost))) await kept.remove("recordings", old);
  writeSetting("recordings", ids);
}

export const recordingOf = (id) => kept.get("recordings", id);

export async function forget(id) {
  await kept.remove("recordings", id);
  await kept.remove("transcripts", id);
  writeSetting("recordings", readSetting("recordings", []).filter((each) => each !== id));
}
