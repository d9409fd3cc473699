import { quote } from "../errors.ts";
import type { Discovery } from "./discovery.ts";
import { checkHttpUrl, jsonLines, readJson, request, StatusError, withoutSlash } from "./http.ts";
import { baseUrl, type Protocol } from "./peer_list.ts";
import { environment, type Fetch, fetchTrusting, readText } from "../runtime.ts";
import { source, type WatchContext, type Watcher } from "./source.ts";
import {
  checkMs,
  checkPort,
  checkProtocol,
  checkText,
  type SourceOptions,
} from "./source_options.ts";

/**
 * The credentials for the API server.
 *
 * @example
 * ```ts
 * import { kubernetes, type KubernetesCredentials } from "@groupcache/groupcache/discovery";
 *
 * const credentials = (): KubernetesCredentials => ({ token: "from your own secret store" });
 * const _peers = kubernetes({ service: "cache", namespace: "default", credentials });
 * ```
 */
export interface KubernetesCredentials {
  /** The bearer token. */
  token?: string;
  /** The certificate authority of the API server, in PEM. */
  ca?: string;
}

/**
 * Options for {@linkcode kubernetes}.
 *
 * @example
 * ```ts
 * import { kubernetes, type KubernetesOptions } from "@groupcache/groupcache/discovery";
 *
 * const options: KubernetesOptions = { service: "cache", port: "peers", addressType: "IPv6" };
 * const _peers = kubernetes(options);
 * ```
 */
export interface KubernetesOptions extends SourceOptions {
  /** The name of the service whose endpoints are the peers. */
  service: string;
  /**
   * The namespace of the service.
   *
   * @default that of the pod
   */
  namespace?: string;
  /**
   * The port on which peers listen, or its name in the service.
   *
   * @default the first port of each slice
   */
  port?: number | string;
  /**
   * Which addresses to use if the service has both.
   *
   * @default "IPv4"
   */
  addressType?: "IPv4" | "IPv6";
  /**
   * The protocol of the peers' URLs.
   *
   * @default "http"
   */
  protocol?: "http" | "https";
  /**
   * The base URL of the API server.
   *
   * @default from KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT
   */
  apiServer?: string;
  /**
   * Returns the credentials. Called before each request, because they rotate.
   *
   * @default the files that Kubernetes mounts into the pod
   */
  credentials?: () => KubernetesCredentials | Promise<KubernetesCredentials>;
  /**
   * How long one watch lasts, in milliseconds. A connection that is lost silently is detected after
   * this time.
   *
   * @default 120000
   */
  watchMs?: number;
  /**
   * The function that sends the requests. It must trust the certificate authority by itself.
   *
   * @default globalThis.fetch, trusting the certificate authority
   */
  fetch?: Fetch;
}

/** Where Kubernetes mounts the service account of a pod. */
const MOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

/** The number of slices per page of the list. */
const PAGE = 500;

/**
 * Finds peers in Kubernetes: the ready endpoints of a service, by watching its EndpointSlices. The pod's
 * service account needs the verbs `list` and `watch` on `endpointslices` in its namespace and no
 * others; `examples/kubernetes` has the manifests. An endpoint whose address or port is invalid is left
 * out and reported.
 *
 * @throws {TypeError} If an option has the wrong type.
 * @throws {RangeError} If a number is out of range.
 *
 * @example
 * ```ts
 * import { GroupCache } from "@groupcache/groupcache";
 * import { kubernetes } from "@groupcache/groupcache/discovery";
 *
 * const self = "http://10.0.0.1:8080"; // From the pod's status.podIP.
 * const peers = kubernetes({ service: "cache", port: "peers" });
 * await using _cache = new GroupCache({ self, peers });
 * ```
 */
export function kubernetes(options: KubernetesOptions): Discovery {
  const {
    service,
    namespace,
    port,
    addressType = "IPv4",
    protocol = "http",
    apiServer,
    credentials = mounted,
    watchMs = 120_000,
    fetch,
  } = options;
  checkText("kubernetes", "service", service);
  if (namespace !== undefined) checkText("kubernetes", "namespace", namespace);
  if (typeof port === "number") checkPort("kubernetes", "port", port);
  else if (port !== undefined) checkText("kubernetes", "port", port);
  if (addressType !== "IPv4" && addressType !== "IPv6") {
    throw new TypeError(
      `Cannot create kubernetes: addressType must be "IPv4" or "IPv6": received ${
        quote(addressType)
      }`,
    );
  }
  checkProtocol("kubernetes", protocol);
  if (apiServer !== undefined) checkHttpUrl("kubernetes", "apiServer", apiServer);
  if (typeof credentials !== "function") {
    throw new TypeError("Cannot create kubernetes: credentials must be a function");
  }
  checkMs("kubernetes", "watchMs", watchMs, { min: 1000 });
  const { timeoutMs = 10_000 } = options;
  const checked: CheckedKubernetesOptions = {
    service,
    namespace,
    port,
    addressType,
    protocol,
    apiServer,
    credentials,
    watchMs,
    timeoutMs,
    fetch,
  };
  return source("kubernetes", () => new SliceWatcher(checked), options);
}

interface CheckedKubernetesOptions {
  service: string;
  namespace: string | undefined;
  port: number | string | undefined;
  addressType: string;
  protocol: Protocol;
  apiServer: string | undefined;
  credentials: () => KubernetesCredentials | Promise<KubernetesCredentials>;
  watchMs: number;
  timeoutMs: number;
  fetch: Fetch | undefined;
}

interface EndpointSlice {
  metadata: { name: string; resourceVersion: string };
  addressType: string;
  endpoints?: { addresses?: string[]; conditions?: { ready?: boolean | null } }[] | null;
  ports?: { name?: string | null; port?: number | null }[] | null;
}

interface SliceList {
  metadata: { resourceVersion: string; continue?: string };
  items: EndpointSlice[];
}

type WatchEvent =
  | { type: "ADDED" | "MODIFIED" | "DELETED"; object: EndpointSlice }
  | { type: "BOOKMARK"; object: Pick<EndpointSlice, "metadata"> }
  | { type: "ERROR"; object: { code?: number; message?: string } };

/**
 * A run lists the slices if necessary and watches them from that version on. The next run continues at
 * the last version received, including those of bookmarks; if the server no longer has the changes
 * since then (410 Gone), it lists again.
 */
class SliceWatcher implements Watcher {
  #options: CheckedKubernetesOptions;
  /** The peers of each slice, by the slice's name. */
  #slices = new Map<string, string[]>();
  /** The version to continue the watch at; undefined if the slices must be listed. */
  #version: string | undefined;
  #ca: string | undefined;
  #trusting: { fetch: Fetch; close: () => void } | undefined;

  constructor(options: CheckedKubernetesOptions) {
    this.#options = options;
  }

  async run(context: WatchContext): Promise<void> {
    try {
      this.#version ??= await this.#list(context);
      await this.#watch(context, this.#version);
    } catch (error) {
      if (!(error instanceof StatusError) || error.status !== 410) throw error;
      this.#version = undefined;
    }
  }

  end(): Promise<void> {
    this.#trusting?.close();
    return Promise.resolve();
  }

  async #list(context: WatchContext): Promise<string> {
    const slices = new Map<string, string[]>();
    const query: Record<string, string> = { limit: String(PAGE) };
    for (;;) {
      const page = await context.within(async (signal) =>
        await readJson(await this.#get(query, signal)) as SliceList
      );
      for (const slice of page.items) slices.set(slice.metadata.name, this.#peersOf(slice));
      if (!page.metadata.continue) {
        this.#slices = slices;
        this.#tell(context);
        return page.metadata.resourceVersion;
      }
      query["continue"] = page.metadata.continue;
    }
  }

  #watch(context: WatchContext, resourceVersion: string): Promise<void> {
    const { watchMs, timeoutMs } = this.#options;
    // The server ends the watch; the limit is for a connection that is lost silently.
    return context.listen(async (signal) => {
      const query = {
        watch: "true",
        allowWatchBookmarks: "true",
        resourceVersion,
        timeoutSeconds: String(Math.round(watchMs / 1000)),
      };
      const response = await context.within(() => this.#get(query, signal));
      for await (const event of jsonLines(response) as AsyncIterable<WatchEvent>) {
        if (signal.aborted) return;
        if (event.type === "ERROR") {
          const { code = 500, message = "" } = event.object;
          throw new StatusError(this.#url("/"), code, message);
        }
        const { name, resourceVersion } = event.object.metadata;
        this.#version = resourceVersion;
        if (event.type === "BOOKMARK") continue;
        if (event.type === "DELETED") this.#slices.delete(name);
        else this.#slices.set(name, this.#peersOf(event.object));
        this.#tell(context);
      }
    }, watchMs + timeoutMs);
  }

  #tell(context: WatchContext): void {
    context.update([...this.#slices.values()].flat());
  }

  #peersOf(slice: EndpointSlice): string[] {
    const { addressType, protocol, port } = this.#options;
    if (slice.addressType !== addressType) return [];
    const found = typeof port === "number"
      ? port
      : slice.ports?.find(({ name }) => port === undefined || name === port)?.port;
    if (found === undefined || found === null) return [];
    return (slice.endpoints ?? [])
      // An unknown condition counts as ready.
      .filter(({ conditions }) => conditions?.ready ?? true)
      // The API gives further addresses of an endpoint no meaning.
      .map(({ addresses }) => baseUrl(protocol, addresses?.[0], found));
  }

  async #get(query: Record<string, string>, signal: AbortSignal): Promise<Response> {
    const { service, credentials } = this.#options;
    const namespace = this.#options.namespace ?? (await readText(`${MOUNT}/namespace`)).trim();
    const { token, ca } = await credentials();
    const selector = new URLSearchParams({
      labelSelector: `kubernetes.io/service-name=${service}`,
      ...query,
    });
    const path = `/apis/discovery.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}` +
      `/endpointslices?${selector}`;
    const headers: Record<string, string> = { accept: "application/json" };
    if (token !== undefined) headers["authorization"] = `Bearer ${token}`;
    return await request(this.#fetch(ca), this.#url(path), { headers, signal });
  }

  #url(path: string): string {
    return withoutSlash(apiServerOf(this.#options.apiServer)) + path;
  }

  #fetch(ca: string | undefined): Fetch {
    if (this.#options.fetch !== undefined) return this.#options.fetch;
    if (ca !== this.#ca) {
      this.#trusting?.close();
      this.#trusting = ca === undefined ? undefined : fetchTrusting(ca);
      this.#ca = ca;
    }
    return this.#trusting?.fetch ?? ((input, init) => globalThis.fetch(input, init));
  }
}

/** The base URL of the API server. */
function apiServerOf(apiServer: string | undefined): string {
  if (apiServer !== undefined) return apiServer;
  const host = environment("KUBERNETES_SERVICE_HOST");
  const port = environment("KUBERNETES_SERVICE_PORT");
  if (host && port) return baseUrl("https", host, Number(port));
  throw new Error(
    "this process does not run in a pod: KUBERNETES_SERVICE_HOST and _PORT are not set",
  );
}

async function mounted(): Promise<KubernetesCredentials> {
  const [token, ca] = await Promise.all([
    readText(`${MOUNT}/token`),
    readText(`${MOUNT}/ca.crt`),
  ]);
  return { token: token.trim(), ca };
}
