/** How a link that is down shows: connections are refused, or nobody ever answers. */
export type Outage = "refused" | "silent";

/** Messages that a link loses. */
export interface Loss {
  readonly share: number;
  /** Whether it loses those alone that change something. */
  readonly isOfChanges: boolean;
}

interface Link {
  /** Outages under way. */
  readonly outages: Outage[];
  /** Losses under way. */
  readonly losses: Loss[];
  /** What waits for the outage to end, as TCP sends again what was not acknowledged. */
  stalled: (() => void)[];
}

/** What is wrong with the ways between processes, each direction apart. */
export class Links {
  #links = new Map<string, Link>();

  outage(from: string, to: string): Outage | undefined {
    return this.#links.get(`${from}>${to}`)?.outages[0];
  }

  /** The share of messages of a kind that are lost. */
  lossShare(from: string, to: string, { isChange }: { isChange: boolean }): number {
    const losses = this.#links.get(`${from}>${to}`)?.losses ?? [];
    const shares = losses.map(({ share, isOfChanges }) => isChange || !isOfChanges ? share : 0);
    return Math.max(0, ...shares);
  }

  /** Has something be tried again when an outage is over. */
  stall(from: string, to: string, retry: () => void): void {
    this.#of(from, to).stalled.push(retry);
  }

  /** Takes a link down. Returns what brings it up. */
  cut(from: string, to: string, outage: Outage): () => void {
    const link = this.#of(from, to);
    link.outages.push(outage);
    return () => {
      link.outages.splice(link.outages.indexOf(outage), 1);
      if (link.outages.length > 0) return;
      const { stalled } = link;
      link.stalled = [];
      for (const retry of stalled) retry();
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
