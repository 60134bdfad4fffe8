// Values as words and figures. Pure functions; nothing here knows the document.

export function plural(count, word) {
    return `${count} ${word}${count === 1 ? "" : "s"}`;
}

export function list_words(words) {
    if (words.length < 2) return words.join("");
    return `${words.slice(0, -1).join(", ")} and ${words[words.length - 1]}`;
}

export function bytes(count) {
    if (typeof count !== "number") return "–";
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let value = count;
    let unit = 0;
    // 1023.5 would round to 1024 of the smaller unit.
    while (value >= 1023.5 && unit < units.length - 1) {
        value /= 1024;
        unit += 1;
    }
    return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

// The two largest units say enough: "3 d 4 h", "12 min 5 s".
export function duration(seconds) {
    if (typeof seconds !== "number") return "–";
    const whole = Math.max(0, Math.floor(seconds));
    if (whole < 60) return `${whole} s`;
    if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
    if (whole < 86400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
    return `${Math.floor(whole / 86400)} d ${Math.floor((whole % 86400) / 3600)} h`;
}

export function milliseconds(value) {
    if (typeof value !== "number") return "–";
    if (value >= 9999.5) return `${(value / 1000).toFixed(1)} s`;
    if (value >= 99.95) return `${Math.round(value)} ms`;
    return `${value.toFixed(value < 9.995 ? 2 : 1)} ms`;
}

export function whole_milliseconds(value) {
    if (typeof value !== "number") return "–";
    return value >= 9999.5 ? duration(value / 1000) : `${Math.round(value)} ms`;
}

export function rate(value) {
    if (typeof value !== "number") return "–";
    return value > 0 && value < 9.95 ? value.toFixed(1) : String(Math.round(value));
}

// One word for a POSIX shell. Inside single quotes nothing is special but the quote itself.
export function shell_quote(text) {
    if (/^[A-Za-z0-9_./:@%+=,-]+$/.test(text)) return text;
    return `'${text.replaceAll("'", "'\\''")}'`;
}

// The curl line that sends the same bytes. `-d` reads a file when its text begins with @, `--data-raw` never does.
export function curl_line(address, text, with_token, headers = {}) {
    const token = with_token ? ' -H "Authorization: Bearer $TOKEN"' : "";
    const more = Object.entries(headers).map(([name, value]) => ` -H ${shell_quote(`${name}: ${value}`)}`);
    return `curl ${shell_quote(address)}${token}${more.join("")} ${text.startsWith("@") ? "--data-raw" : "-d"} ${shell_quote(text)}`;
}

// JSON over several lines, token by token: only the space between tokens changes, so 10000000000000000001 and 1e2 stay
// what they are. A text that is short, already on several lines, or not JSON comes back as it is.
export function lay_out(text) {
    const tokens = text.match(/"(?:[^"\\]|\\.)*"|[[\]{}:,]|[^\s"[\]{}:,]+|"/g);
    if (text.length <= 76 || text.trim().includes("\n") || tokens === null || tokens.includes('"')) return text;
    const lines = [];
    let line = "";
    let depth = 0;
    const wrap = () => {
        lines.push(line);
        line = "  ".repeat(Math.min(depth, 40));
    };
    for (const [at, token] of tokens.entries()) {
        const opens = token === "{" || token === "[";
        const closes = token === "}" || token === "]";
        const before_empty = at > 0 && closes && "{[".includes(tokens[at - 1]);
        if (closes) {
            depth -= 1;
            if (!before_empty) wrap();
        }
        line += token;
        if (opens) {
            depth += 1;
            if (!"}]".includes(tokens[at + 1] ?? "}")) wrap();
        } else if (token === ",") {
            wrap();
        } else if (token === ":") {
            line += " ";
        }
    }
    lines.push(line);
    return lines.join("\n");
}
