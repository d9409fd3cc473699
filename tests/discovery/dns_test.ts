import { assert, assertEquals, assertThrows } from "@std/assert";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Discovery } from "../../lib/discovery/discovery.ts";
import { dns, type DnsOptions } from "../../lib/discovery/dns.ts";
import type { DnsRecord } from "../../lib/runtime.ts";
import type { SourceOptions } from "../../lib/discovery/source_options.ts";
import { VirtualClock } from "../../lib/testing/virtual_clock.ts";
import { test } from "../runtime.ts";
import { conforms, type MakeSubject } from "./conformance.ts";
import { type Service, startService, testWith } from "./services.ts";

/** A source whose name server is a function. */
function fake(
  make: (options: SourceOptions & Pick<DnsOptions, "resolve" | "intervalMs">) => Discovery,
  recordOf: (peer: URL) => DnsRecord,
): MakeSubject {
  return (peers, options) => {
    let isBroken = false;
    let requests = 0;
    const resolve = async (): Promise<DnsRecord[]> => {
      requests++;
      await Promise.resolve();
      if (isBroken) throw new Error("the name server is down");
      return peers.map((peer) => recordOf(new URL(peer)));
    };
    return {
      discovery: make({ ...options, resolve, intervalMs: 20 }),
      set: (changed) => void (peers = changed),
      setBroken: (broken) => void (isBroken = broken),
      requests: () => requests,
    };
  };
}

conforms(
  "dns",
  fake((options) => dns({ ...options, name: "cache", port: 8080 }), (peer) => peer.hostname),
);

conforms(
  "dns",
  fake(
    (options) => dns({ ...options, name: "_http._tcp.cache", type: "SRV" }),
    (peer) => ({ target: `${peer.hostname}.`, port: Number(peer.port) }),
  ),
  { title: "dns with SRV records" },
);

const answers: {
  name: string;
  options: Partial<DnsOptions>;
  records: DnsRecord[];
  list: string[];
}[] = [
  {
    name: "puts addresses of IPv6 into brackets",
    options: { type: "AAAA", port: 80 },
    records: ["fd00::2", "fd00::1"],
    list: ["http://[fd00::1]:80", "http://[fd00::2]:80"],
  },
  {
    name: "speaks HTTPS if told so",
    options: { port: 443, protocol: "https" },
    records: ["10.0.0.1"],
    list: ["https://10.0.0.1:443"],
  },
  {
    name: "writes hosts of SRV records in small letters, without a dot at the end",
    options: { type: "SRV" },
    records: [{ target: "B.test.", port: 2 }, { target: "a.test", port: 1 }],
    list: ["http://a.test:1", "http://b.test:2"],
  },
  {
    name: "passes over an SRV record that denies the service",
    options: { type: "SRV" },
    records: [{ target: ".", port: 0 }, { target: "a.test.", port: 1 }],
    list: ["http://a.test:1"],
  },
];

for (const { name, options, records, list } of answers) {
  test(`dns ${name}`, async () => {
    const clock = new VirtualClock();
    const resolve = () => Promise.resolve(records);
    const peers = dns({ name: "cache", resolve, clock, ...options });
    const iterator = peers[Symbol.asyncIterator]();
    assertEquals((await clock.until(iterator.next())).value, list);
    await iterator.return?.();
  });
}

const badOptions: { name: string; options: unknown; error: RegExp }[] = [
  { name: "no name", options: { port: 80 }, error: /name must be a non-empty string/ },
  { name: "no port", options: { name: "a" }, error: /port must be a port/ },
  { name: "a port too high", options: { name: "a", port: 65_536 }, error: /received 65536/ },
  { name: "another type", options: { name: "a", type: "MX" }, error: /type must be .* "MX"/ },
  {
    name: "another protocol",
    options: { name: "a", port: 80, protocol: "ftp" },
    error: /protocol must be "http" or "https": received "ftp"/,
  },
  {
    name: "a name server without a port",
    options: { name: "a", port: 80, server: { host: "10.0.0.53" } },
    error: /server\.port must be a port/,
  },
];

for (const { name, options, error } of badOptions) {
  test(`dns refuses ${name}`, () => {
    const thrown = assertThrows(() => dns(options as DnsOptions));
    assert(thrown instanceof TypeError || thrown instanceof RangeError);
    assert(error.test(thrown.message), thrown.message);
  });
}

// ------------------------------------------------------------------------- a real name server

/** A name server whose hosts file is read again upon SIGHUP. */
function startDnsmasq(hosts: string): Promise<Service> {
  return startService("dnsmasq", {
    args: ([port], folder) => [
      "--keep-in-foreground",
      "--log-facility=-",
      "--conf-file=/dev/null",
      "--pid-file=",
      "--user=",
      "--no-resolv",
      "--no-hosts",
      `--port=${port}`,
      "--listen-address=127.0.0.1",
      "--bind-interfaces",
      "--local=/test/",
      `--addn-hosts=${join(folder, "hosts")}`,
      "--srv-host=_http._tcp.cache.test,b.cache.test,8081",
      "--srv-host=_http._tcp.cache.test,a.cache.test,8080,10",
    ],
    ready: /read .*hosts/,
    files: { hosts },
  });
}

const hostsOf = (peers: readonly string[]): string =>
  peers.map((peer) => `${new URL(peer).hostname} cache.test\n`).join("");

conforms("dns", async (peers, options) => {
  const service = await startDnsmasq(hostsOf(peers));
  const ask = { name: "cache.test", port: 8080, intervalMs: 20, timeoutMs: 500 };
  const server = { host: "127.0.0.1", port: service.port };
  const set = async (changed: readonly string[]): Promise<void> => {
    await writeFile(join(service.folder, "hosts"), hostsOf(changed));
    service.kill("SIGHUP");
  };
  return {
    discovery: dns({ ...options, ...ask, server }),
    set,
    setBroken: (isBroken) => void service.kill(isBroken ? "SIGSTOP" : "SIGCONT"),
    requests: () => 0,
    dispose: async () => await service[Symbol.asyncDispose](),
  };
}, { title: "dns with dnsmasq", program: "dnsmasq" });

const records: { name: string; options: Partial<DnsOptions>; list: string[] }[] = [
  { name: "A", options: { port: 80 }, list: ["http://10.0.0.1:80", "http://10.0.0.2:80"] },
  { name: "AAAA", options: { type: "AAAA", port: 80 }, list: ["http://[fd00::1]:80"] },
  {
    name: "SRV",
    options: { type: "SRV", name: "_http._tcp.cache.test" },
    list: ["http://a.cache.test:8080", "http://b.cache.test:8081"],
  },
];

for (const { name, options, list } of records) {
  testWith("dnsmasq", `dns queries a real name server for ${name} records`, async () => {
    await using service = await startDnsmasq(
      "10.0.0.2 cache.test\n10.0.0.1 cache.test\nfd00::1 cache.test\n",
    );
    const server = { host: "127.0.0.1", port: service.port };
    for await (const item of dns({ name: "cache.test", server, ...options })) {
      assertEquals(item, list);
      break;
    }
  });
}

testWith("dnsmasq", "dns reports a name that a real name server does not know", async () => {
  await using service = await startDnsmasq("");
  const server = { host: "127.0.0.1", port: service.port };
  for await (const item of dns({ name: "none.test", port: 80, server })) {
    assert(item instanceof Error && item.message.startsWith("Cannot find peers by dns: "));
    break;
  }
});
