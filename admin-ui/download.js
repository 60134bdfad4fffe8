// A download with a token: a link could send none, so it is fetched, told how far it is, and handed to the browser as a file.

import { make } from "./dom.js";
import { bytes } from "./format.js";

// Pieces so large are given to the browser, which may keep them on its disk: a page need not hold a whole backup in memory.
const piece_bytes = 8 * 1024 * 1024;
const keep_ms = 60000;

export function download_words(taken, whole) {
    if (!(whole > 0)) return `${bytes(taken)} so far.`;
    return `${bytes(taken)} of ${bytes(whole)}, ${Math.floor((100 * taken) / whole)} %.`;
}

// tell(words) is called as bytes come. What is shown in the end is the name of the file and how many bytes it has.
export async function save_file(response, tell) {
    const whole = Number(response.headers.get("Content-Length"));
    const pieces = [];
    let loose = [];
    let loose_bytes = 0;
    let taken = 0;
    const reader = response.body.getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
        loose.push(part.value);
        loose_bytes += part.value.length;
        taken += part.value.length;
        if (loose_bytes >= piece_bytes) {
            pieces.push(new Blob(loose));
            loose = [];
            loose_bytes = 0;
        }
        tell(download_words(taken, whole));
    }
    const file = new Blob([...pieces, ...loose], { type: "application/octet-stream" });
    const name = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") ?? "")?.[1] ?? "raftd.snapshot";
    const address = URL.createObjectURL(file);
    make("a", { href: address, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(address), keep_ms);
    return JSON.stringify({ file: name, size_bytes: file.size });
}
