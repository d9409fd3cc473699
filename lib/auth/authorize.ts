/**
 * Decides whether a request may come in. It is given what the server passes beside a request, too:
 * Deno's has the client's address, Bun's is the server.
 */
export type Authorize = (request: Request, info: unknown) => boolean | Promise<boolean>;
