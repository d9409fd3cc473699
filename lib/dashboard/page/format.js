// Numbers as people read them.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { maximumSignificantDigits: 3, notation: "compact" });
const three = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

/** @param {number} count */
export function count(count) {
  return count < 10_000 ? whole.format(count) : short.format(count);
}

/** @param {number} perSecond */
export function rate(perSecond) {
  if (perSecond === 0) return "0";
  if (perSecond < 0.01) return "<0.01";
  return perSecond < 1000 ? three.format(perSecond) : count(perSecond);
}

/** @param {number | null} ratio */
export function percent(ratio) {
  if (ratio === null) return "–";
  const percent = ratio * 100;
  // 100 % is to mean all.
  const digits = percent >= 99.95 && ratio < 1 ? 2 : 1;
  return `${Math.min(percent, ratio < 1 ? 99.99 : 100).toFixed(ratio === 1 ? 0 : digits)} %`;
}

/** @param {number | null} ms */
export function latency(ms) {
  if (ms === null) return "–";
  if (ms < 0.1) return "<0.1 ms";
  return ms < 1000 ? `${three.format(ms)} ms` : `${three.format(ms / 1000)} s`;
}

/** @param {number} bytes */
export function size(bytes) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (bytes >= 1000 && unit < units.length - 1) {
    bytes /= 1024;
    unit++;
  }
  return `${three.format(bytes)} ${units[unit]}`;
}

/** @param {number} ms */
export function duration(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} days`;
}

/** @param {number} atMs */
export function time(atMs) {
  return new Date(atMs).toLocaleTimeString("en-GB");
}

/**
 * A process's URL without what all have in common.
 *
 * @param {string} url
 */
export function host(url) {
  return url.replace(/^https?:\/\//, "") || "this process";
}
