import { assertEquals } from "@std/assert";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findProgram, testWith } from "../discovery/services.ts";
import { freePorts, runtime } from "../runtime.ts";
import { Child } from "./child.ts";
import { Processes, until } from "./processes.ts";

interface Proxy {
  readonly name: string;
  readonly program: "nginx" | "haproxy";
  /** Its configuration file: listen on a port, pass on to an address. */
  readonly config: (port: number, target: string, folder: string) => string;
  readonly args: (file: string, folder: string) => string[];
  /** Whether keys travel over a channel through it. */
  readonly passesChannels: boolean;
}

const nginxConfig = (directives: string) => (port: number, target: string, folder: string) => `
  daemon off;
  master_process off;
  pid ${folder}/pid;
  error_log stderr;
  events {}
  http {
    access_log off;
    client_body_temp_path ${folder}/body;
    proxy_temp_path ${folder}/proxy;
    fastcgi_temp_path ${folder}/fastcgi;
    scgi_temp_path ${folder}/scgi;
    uwsgi_temp_path ${folder}/uwsgi;
    server {
      listen 127.0.0.1:${port};
      location / {
        proxy_pass http://${target};
        proxy_set_header host 127.0.0.1:${port};
        ${directives}
      }
    }
  }
`;

const nginxArgs = (file: string, folder: string) => ["-p", folder, "-c", file];

const haproxyConfig = (option: string) => (port: number, target: string) => `
  defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    ${option}
  listen peers
    bind 127.0.0.1:${port}
    server peer ${target}
`;

const haproxyArgs = (file: string) => ["-f", file];

const PROXIES: Proxy[] = [
  {
    name: "nginx as it is",
    program: "nginx",
    config: nginxConfig(""),
    args: nginxArgs,
    passesChannels: false,
  },
  {
    name: "nginx that buffers no requests",
    program: "nginx",
    config: nginxConfig("proxy_http_version 1.1; proxy_request_buffering off;"),
    args: nginxArgs,
    passesChannels: true,
  },
  {
    name: "HAProxy that delays",
    program: "haproxy",
    config: haproxyConfig(""),
    args: haproxyArgs,
    passesChannels: false,
  },
  {
    name: "HAProxy without a delay",
    program: "haproxy",
    config: haproxyConfig("option http-no-delay"),
    args: haproxyArgs,
    passesChannels: true,
  },
];

for (const { name, program, config, args, passesChannels } of PROXIES) {
  const how = passesChannels ? "over a channel" : "by requests";
  testWith(program, `Keys travel ${how} through ${name}`, async () => {
    await using processes = new Processes();
    const client = await processes.start(runtime);
    const owner = await processes.start(runtime);
    const folder = await mkdtemp(join(tmpdir(), "groupcache-proxy-"));
    await chmod(folder, 0o755); // nginx's workers are another user.
    processes.defer(() => rm(folder, { recursive: true }));
    const [port = 0] = await freePorts(1);
    const file = join(folder, "conf");
    await writeFile(file, config(port, new URL(owner.url).host, folder));
    processes.use(new Child(program, findProgram(program) ?? "", args(file, folder), {}));
    const url = `http://127.0.0.1:${port}`;
    await until(() => fetch(url).then((reply) => reply.text()).then(() => true, () => false), name);

    const peers = [client.url, url];
    await owner.tell("join", { peers, owner: url, self: url });
    await client.tell("join", { peers, owner: url });
    await client.tell("startTraffic", { concurrency: 8 });
    const gets = async () => (await client.tell("state")).traffic.gets;
    await until(async () => await gets() > 300, "there is traffic");
    const before = await owner.tell("state");
    const count = await gets();
    await until(async () => await gets() > count + 200, "there is more traffic");
    const after = await owner.tell("state");
    await client.tell("stopTraffic");
    assertEquals((await client.tell("state")).traffic.failures, []);
    const keysPerRequest = (after.serverRequests - before.serverRequests) /
      Math.max(1, after.requests - before.requests);
    assertEquals(keysPerRequest > 50, passesChannels, `${keysPerRequest} keys a request`);
  });
}
