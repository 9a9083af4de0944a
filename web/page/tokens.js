// The transcript as segments of timed tokens: a char of a CTC model, or a word.

/** A segment's pieces: [{text, start_s, end_s, confidence}], or null where nothing finer spells its text. */
export function tokensOf(transcript) {
  const timed = transcript.chars?.length ? transcript.chars : transcript.words ?? [];
  let next = 0;
  return transcript.segments.map((segment) => {
    const [found, after] = spelled(segment.text, timed, next);
    if (found) next = after;
    else next = skipped(timed, next, segment);
    return found;
  });
}

/** Tokens from `next` on that spell a text, spaces apart. */
function spelled(text, timed, next) {
  const found = [];
  let at = 0;
  let n = next;
  for (;;) {
    while (at < text.length && /\s/.test(text[at])) at += 1;
    if (at >= text.length) return [found.length ? found : null, n];
    const token = timed[n];
    const letters = token?.text.trim();
    if (token && letters === "") {
      n += 1;
      continue;
    }
    if (!token || !text.startsWith(letters, at)) return [null, next];
    found.push({ from: at, to: at + letters.length, start_s: token.start_s, end_s: token.end_s, confidence: token.confidence });
    at += letters.length;
    n += 1;
  }
}

/** Past a segment that its tokens don't spell. */
function skipped(timed, next, segment) {
  let n = next;
  while (n < timed.length && (timed[n].start_s + timed[n].end_s) / 2 <= segment.end_s) n += 1;
  return n;
}

/** The last of `items` that has begun at a time, by its start_s; -1 before the first. */
export function begunAt(items, time_s) {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (items[middle].start_s <= time_s + 0.001) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
