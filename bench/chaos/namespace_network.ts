import { spawnSync } from "node:child_process";
import process from "node:process";
import type { CutKind } from "./faults.ts";
import type { Network, Sides } from "./network.ts";

interface Side {
  /** The name of the namespace, and of its port at the bridge. */
  name: string;
  address: string;
}

let networks = 0;

/** Two namespaces on a bridge. This requires root and iproute2. */
export class NamespaceNetwork implements Network {
  readonly cluster: Network["cluster"];
  // At most 15 characters with the letter of a side.
  #bridge = `gc${process.pid}-${networks++}`;
  #originHost: string;
  #one: Side;
  #other: Side;

  private constructor() {
    const subnet = `10.213.${process.pid % 256}`;
    this.#originHost = `${subnet}.254`;
    this.#one = { name: `${this.#bridge}a`, address: `${subnet}.1` };
    this.#other = { name: `${this.#bridge}b`, address: `${subnet}.2` };
    const place = ({ name, address }: Side, port: number) => ({
      url: `http://${address}:${port}`,
      via: ["ip", "netns", "exec", name],
    });
    const places = [
      ...[8001, 8002, 8003].map((port) => place(this.#one, port)),
      ...[8001, 8002].map((port) => place(this.#other, port)),
    ];
    this.cluster = { originHost: this.#originHost, places };
  }

  /** Creates one, or returns undefined if that is not possible. */
  static make(): NamespaceNetwork | undefined {
    const network = new NamespaceNetwork();
    try {
      network.#make();
      return network;
    } catch {
      network.#remove();
      return undefined;
    }
  }

  cut(_sides: Sides, kind: CutKind): void {
    if (kind === "hang") return this.#isolate("on");
    // Open connections hang as well.
    ip(`-n ${this.#one.name} route add unreachable ${this.#other.address}`);
    ip(`-n ${this.#other.name} route add unreachable ${this.#one.address}`);
  }

  heal(_sides: Sides, kind: CutKind): void {
    if (kind === "hang") return this.#isolate("off");
    ip(`-n ${this.#one.name} route del unreachable ${this.#other.address}`);
    ip(`-n ${this.#other.name} route del unreachable ${this.#one.address}`);
  }

  [Symbol.dispose](): void {
    this.#remove();
  }

  #make(): void {
    ip(`link add ${this.#bridge} type bridge`);
    ip(`addr add ${this.#originHost}/24 dev ${this.#bridge}`);
    ip(`link set ${this.#bridge} up`);
    for (const { name, address } of [this.#one, this.#other]) {
      ip(`netns add ${name}`);
      ip(`link add ${name} type veth peer name eth0 netns ${name}`);
      ip(`link set ${name} master ${this.#bridge} up`);
      ip(`-n ${name} addr add ${address}/24 dev eth0`);
      ip(`-n ${name} link set eth0 up`);
      // Connects the processes of one side.
      ip(`-n ${name} link set lo up`);
    }
  }

  /** Isolated ports of a bridge reach the bridge itself, where the origin runs, but not each other. */
  #isolate(state: "on" | "off"): void {
    for (const { name } of [this.#one, this.#other]) {
      ip(`link set ${name} type bridge_slave isolated ${state}`);
    }
  }

  #remove(): void {
    for (const { name } of [this.#one, this.#other]) spawnSync("ip", ["netns", "del", name]);
    spawnSync("ip", ["link", "del", this.#bridge]);
  }
}

function ip(command: string): void {
  const { status, stderr } = spawnSync("ip", command.split(" "), { encoding: "utf8" });
  if (status !== 0) throw new Error(`Cannot run ip ${command}: ${stderr}`);
}
