/** How a link that is down shows: connections are refused, or nobody ever answers. */
export type Outage = "refused" | "silent";

/** Messages that a link loses. */
export interface Loss {
  readonly share: number;
  /** Whether it loses those alone that change something. */
  readonly isOfChanges: boolean;
}

/** Whom an outage hits. */
interface Outages {
  readonly outage: Outage;
  /** Whether it holds up channels alone, as a proxy does that buffers. */
  readonly isOfChannels: boolean;
}

/** A message that waits. */
interface Stalled {
  readonly isChannel: boolean;
  readonly retry: () => void;
}

interface Link {
  /** Outages under way. */
  readonly outages: Outages[];
  /** Losses under way. */
  readonly losses: Loss[];
  /** What waits for the outage to end, as TCP sends again what was not acknowledged. */
  stalled: Stalled[];
}

/** What is wrong with the ways between processes, each direction apart. */
export class Links {
  #links = new Map<string, Link>();

  /** The outage of a link, for a channel or for another request. */
  outage(from: string, to: string, { isChannel }: { isChannel: boolean }): Outage | undefined {
    const link = this.#links.get(`${from}>${to}`);
    return link === undefined ? undefined : outageOf(link, isChannel);
  }

  /** The share of messages of a kind that are lost. */
  lossShare(from: string, to: string, { isChange }: { isChange: boolean }): number {
    const losses = this.#links.get(`${from}>${to}`)?.losses ?? [];
    const shares = losses.map(({ share, isOfChanges }) => isChange || !isOfChanges ? share : 0);
    return Math.max(0, ...shares);
  }

  /** Has something be tried again when an outage is over. */
  stall(from: string, to: string, stalled: Stalled): void {
    this.#of(from, to).stalled.push(stalled);
  }

  /** Takes a link down, for all or for channels alone. Returns what brings it up. */
  cut(
    from: string,
    to: string,
    outage: Outage,
    { isOfChannels = false }: { isOfChannels?: boolean } = {},
  ): () => void {
    const link = this.#of(from, to);
    const entry = { outage, isOfChannels };
    link.outages.push(entry);
    return () => {
      link.outages.splice(link.outages.indexOf(entry), 1);
      const isFree = ({ isChannel }: Stalled) => outageOf(link, isChannel) === undefined;
      const free = link.stalled.filter(isFree);
      link.stalled = link.stalled.filter((stalled) => !isFree(stalled));
      for (const { retry } of free) retry();
    };
  }

  /** Lets a link lose messages. Returns what mends it. */
  lose(from: string, to: string, loss: Loss): () => void {
    const { losses } = this.#of(from, to);
    losses.push(loss);
    return () => void losses.splice(losses.indexOf(loss), 1);
  }

  #of(from: string, to: string): Link {
    const name = `${from}>${to}`;
    let link = this.#links.get(name);
    if (link === undefined) this.#links.set(name, link = { outages: [], losses: [], stalled: [] });
    return link;
  }
}

function outageOf({ outages }: Link, isChannel: boolean): Outage | undefined {
  return outages.find(({ isOfChannels }) => isChannel || !isOfChannels)?.outage;
}
