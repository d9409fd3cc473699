import { assert, assertEquals } from "@std/assert";
import { type AuthOptions, GroupCache } from "../../mod.ts";
import { spawn } from "../processes/child.ts";
import { serve, test } from "../runtime.ts";

const SECRET = "the-secret-of-this-cluster";
const OTHER = "the-secret-of-another-one";

/** Two processes of a cluster, as far as a doctor can tell. */
class Setup extends AsyncDisposableStack {
  readonly urls: string[] = [];
  readonly caches: GroupCache[] = [];

  constructor(auth?: AuthOptions) {
    super();
    for (const index of [0, 1]) {
      const server = this.use(serve((request) => {
        return this.caches[index]?.fetch(request) ?? new Response("", { status: 503 });
      }));
      this.urls.push(server.url);
    }
    for (const self of this.urls) {
      const cache = new GroupCache({ self, peers: this.urls, log: false, ...(auth && { auth }) });
      cache.group("texts", { maxBytes: 1 << 20, load: () => "text" });
      this.caches.push(this.use(cache));
    }
  }

  /** What the doctor says when told of the first process, and its exit code. */
  async examine(secrets = "", ...args: string[]): Promise<{ code: number; said: string }> {
    await using doctor = spawn("scripts/doctor.ts", {
      args: [...args, this.urls[0] ?? ""],
      env: { GROUPCACHE_SECRETS: secrets },
    });
    const code = await doctor.exited;
    const said = doctor.lines.join("\n");
    assert(!said.includes(SECRET) && !said.includes(OTHER), said);
    return { code, said };
  }
}

test("The doctor finds all processes of a cluster by one of them, and nothing wrong", async () => {
  await using setup = new Setup();
  const { code, said } = await setup.examine();
  assertEquals(code, 0, said);
  for (const url of setup.urls) assert(said.includes(`✓ ${url}: up for`), said);
  assert(said.includes("Nothing wrong was found."), said);
});

test("The doctor tells what is wrong, and ends with code 1", async () => {
  await using setup = new Setup();
  setup.caches[1]?.group("only here", { maxBytes: 1 << 20, load: () => "text" });
  const { code, said } = await setup.examine();
  assertEquals(code, 1, said);
  assert(said.includes("only here"), said);
});

for (const secrets of [SECRET, `${SECRET}\n${OTHER}\n`, ` ${SECRET} ${OTHER}`]) {
  test(`The doctor proves itself by the secrets in its environment: ${JSON.stringify(secrets)}`, async () => {
    await using setup = new Setup({ secrets: [SECRET] });
    const { code, said } = await setup.examine(secrets);
    assertEquals(code, 0, said);
    for (const url of setup.urls) assert(said.includes(`✓ ${url}`), said);
  });
}

test("The doctor says that a process refuses its secret", async () => {
  await using setup = new Setup({ secrets: [SECRET] });
  const { code, said } = await setup.examine(OTHER);
  assertEquals(code, 1, said);
  assert(said.includes(`✗ ${setup.urls[0]}: `) && said.includes("it refused"), said);
});

test("The doctor says which variable is missing where a cluster has auth", async () => {
  await using setup = new Setup({ secrets: [SECRET] });
  const { code, said } = await setup.examine();
  assertEquals(code, 1, said);
  assert(said.includes("status 401; if the cluster has auth, set GROUPCACHE_SECRETS"), said);
});

test("The doctor does not believe a process that proves nothing", async () => {
  await using setup = new Setup();
  const { code, said } = await setup.examine(SECRET);
  assertEquals(code, 1, said);
  assert(said.includes("did not prove that it belongs to the cluster"), said);
});

test("The doctor refuses secrets that are too short, and does not print them", async () => {
  await using setup = new Setup();
  const { code, said } = await setup.examine("tiny");
  assertEquals(code, 2, said);
  assert(said.startsWith("Cannot use GROUPCACHE_SECRETS: "), said);
  assert(!said.includes("tiny"), said);
});
