import { PAGE_ASSETS } from "./page_assets.ts";

/**
 * Nothing is loaded from other sites, nothing is inline, nothing may be framed, and the browser blocks
 * code that turns text into elements.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

const TYPES: Readonly<Record<string, string>> = {
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
};

/** The headers of every reply of the dashboard. */
export const SAFE_HEADERS: Readonly<Record<string, string>> = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
};

/** Returns a file of the page, or undefined if there is no such file. */
export function pageFile(name: string): Response | undefined {
  const text = Object.hasOwn(PAGE_ASSETS, name) ? PAGE_ASSETS[name] : undefined;
  if (text === undefined) return undefined;
  const headers = {
    ...SAFE_HEADERS,
    "content-type": TYPES[name.slice(name.lastIndexOf(".") + 1)] ?? "text/plain",
    "content-security-policy": POLICY,
    // After an upgrade a new page must not run old scripts.
    "cache-control": "no-cache",
  };
  return new Response(text, { headers });
}
