/** Counts the channels of a server. One is open for as long as its reply, which is left as it is. */
export class ChannelCount {
  /** How many have been opened so far. */
  opened = 0;
  /** How many are open. */
  open = 0;

  /** Returns the response to a request of a peer, counted if that opens a channel. */
  add(request: Request, response: Response): Response {
    if (!request.url.endsWith("/_channel/") || !response.ok || response.body === null) {
      return response;
    }
    this.opened++;
    this.open++;
    const reader = response.body.getReader();
    let isOpen = true;
    const close = () => {
      // Bun cancels a body that has ended, if its reader has gone.
      if (isOpen) this.open--;
      isOpen = false;
    };
    const body = new ReadableStream({
      async pull(controller) {
        const { done, value } = await reader.read();
        if (!done) return controller.enqueue(value);
        close();
        controller.close();
      },
      cancel(reason) {
        close();
        return reader.cancel(reason);
      },
    });
    return new Response(body, response);
  }
}
