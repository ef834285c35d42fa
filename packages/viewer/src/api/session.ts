/** `GET /api/session`: who asks, and which mesh answers. */
export interface Session {
  readonly name: string;
  readonly role: "viewer" | "operator";
  /** RFC 3339; a token without an end has none. */
  readonly expires?: string;
  readonly mesh: string;
  /** The streams that can be read here: subnets, and `root` where it runs on this machine. */
  readonly places: readonly string[];
  /** `subnet/member`, of this machine. */
  readonly members: readonly string[];
}
