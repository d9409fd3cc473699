/** A reply that did not come from this implementation. */
export interface StrangeReply {
  readonly status: number;
  /** The media type, if there is one. */
  readonly type: string | null;
  /** The path that was asked, from the base path on. */
  readonly basePath: string;
}

/** What to look at when something else than a cache answers where a peer should be. */
export function adviceFor({ status, type, basePath }: StrangeReply): string {
  const isPage = type?.startsWith("text/html") ?? false;
  if (status === 401 || status === 403 || status === 407) {
    return `something in front of it refuses peers: let requests to ${basePath} pass`;
  }
  if (status === 400) {
    return "it may refuse the name by which it is asked: check its option hosts, and what is in " +
      "front of it";
  }
  if (status >= 300 && status < 400) {
    return `something in front of it redirects peers: let requests to ${basePath} pass, and check ` +
      "whether it wants http or https";
  }
  if (status === 502 || status === 503 || status === 504) {
    return "a proxy in front of it cannot reach it";
  }
  if (status === 404 || status === 405 || isPage) {
    return `something else answers at ${basePath} there: check that cache.handler() or cache.fetch ` +
      "is mounted, before any catch-all, and that all processes have the same basePath";
  }
  return "";
}

/** What to look at when no reply came. */
export function adviceForSilence(url: string, message: string): string {
  if (/tls|ssl|certificate|handshake|InvalidContentType/i.test(message)) {
    return url.startsWith("https:")
      ? "check that it serves https, with a certificate that this process trusts"
      : "check whether it serves https";
  }
  if (/refused|ECONNREFUSED|Unable to connect/i.test(message)) {
    return "check that it runs, and listens on that port and on an address that peers can reach";
  }
  if (/dns|ENOTFOUND|lookup|resolve/i.test(message)) return "check the name of its host";
  return "";
}
