// The shapes that pass between the client's rules and whoever uses them: what comes from the server, what the rules keep,
// what they want done. Shapes only: nothing of when and why.

/** A number of 63 bits in decimal, as a text: JavaScript's own numbers are too small. */
export type Id = string;

/** A user, such as `"m7"` or `"1024"`. */
export type UserKey = string;

/** The first event on a connection. */
export interface Init {
  user: UserKey;
  degraded?: boolean;
}

/** A message, or the recall of one. Never changed: what becomes of it is a new object in its place. */
export interface Message {
  readonly message_id: Id;
  /** What its sender's device called it; on the sender's devices only. */
  readonly temp_message_id?: string;
  readonly conversation_id: Id;
  /** Counts the entries of the conversation from 1, without a gap. The order of a conversation. */
  readonly conv_seq: number;
  readonly chat_type: "p2p" | "group";
  /** `text`, `image` and so on; a newer server may have others. */
  readonly type: string;
  readonly from_user_id: UserKey;
  readonly to_user_id?: UserKey;
  /** A string for text, an object for other types; nothing of one that was recalled. */
  readonly message?: any;
  /** Milliseconds since 1970. */
  readonly send_time: number;
  /** When the other side had it on the screen. */
  readonly read_at?: number;
  readonly recalled?: true;
  readonly deleted?: undefined;
}

/** Nothing to show, but the number is taken: deleted by the user for himself, or of a form that cannot be read here. */
export interface Blank {
  readonly conversation_id: Id;
  readonly conv_seq: number;
  readonly deleted: true;
  readonly message_id?: undefined;
}

export type Entry = Message | Blank;

/** What is true of a conversation for the user. */
export interface Summary {
  conversation_id: Id;
  /** The other side, once it is known. */
  user_id?: UserKey;
  unread: number;
  pinned: boolean;
  muted: boolean;
  /** Left out where there is none. */
  draft?: string;
}

/** What is here of a conversation. */
export interface View {
  /** From here to the head nothing is missing; nothing while that is not known. */
  floor: number | undefined;
  head: number | undefined;
  /** Numbers of the entries beyond a hole. */
  waiting: number[];
  /** All entries that are here, in order, those that wait included. */
  entries: Entry[];
}

/** Why the server refused a request. */
export interface Refusal {
  /** One of the protocol's codes; a newer server may have others. */
  code: string;
  /** A sentence to show. */
  message: string;
  retry_after_ms?: number;
}

/** A message as the application wrote it. */
export interface Outgoing {
  /** 1 to 64 printable ASCII characters, never used for another message of the user. */
  temp_message_id: string;
  to_user_id: UserKey;
  type: string;
  message: any;
  /** Milliseconds since 1970. */
  made_at: number;
}

/** A message in the queue and how it fares. */
export interface Queued {
  message: Outgoing;
  state: "pending" | "failed";
  /** Of one that has failed. */
  refusal?: Refusal;
}

/** Why a message was not taken. */
export type NotQueued = "full" | "name" | "too_old";

/** How far a message of this device is. */
export type Sending =
  | { temp_message_id: string; state: "pending" | "discarded" }
  | { temp_message_id: string; state: "sent"; message_id: Id; conversation_id: Id; conv_seq: number }
  | { temp_message_id: string; state: "failed"; refusal: Refusal };

/** How a request ended. Lost: it may have been done or not. */
export type Outcome =
  | { ok: any; refused?: undefined }
  | { ok?: undefined; refused: Refusal }
  | { ok?: undefined; refused?: undefined; lost: true };

/** One thing that came of an input. The order is that in which things happened. */
export type Output =
  | { request: { id: number; event: string; payload: any } }
  | { done: { ticket: number } & Outcome }
  | { added: { entry: Entry; before?: number } }
  | { updated: { entry: Entry } }
  | { forgotten: { conversation_id: Id; below: number } }
  | { conversation: Summary }
  | { sending: Sending }
  | { synced: { reset: boolean } }
  | { degraded: boolean }
  | { lists: { lists_rev: number; change?: any } }
  | { event: { event: string; payload: any } };

/** How much one client keeps. */
export interface Bounds {
  /** Entries of one conversation, at least one; a quarter more is let in before the oldest are forgotten. */
  entries?: number;
  /** Messages that are queued, those that failed included. */
  sends?: number;
}

/** Some of what is true of a conversation, as of one revision. */
export interface Values {
  rev: number;
  unread?: number;
  pinned?: boolean;
  muted?: boolean;
  draft?: any;
}

/** Messages that were read at one moment. */
export interface ReadMark {
  message_ids: Id[];
  read_at: number;
}

/** What follows from a good answer to what the application asked. */
export type Effect =
  | { kind: "nothing" | "delete" | "lists" }
  | { kind: "state"; conversation: Id; values: Values }
  | { kind: "read"; conversation: Id }
  | { kind: "recall"; message: Id };

/** What a request is for. */
export type Purpose =
  | { kind: "sync" }
  | { kind: "hole"; conversation: Id }
  | { kind: "older"; conversation: Id; ticket: number }
  | { kind: "receipt"; conversation: Id; conv_seq: number }
  | { kind: "send"; number: number }
  | { kind: "read"; conversation: Id; ids: Id[] }
  | { kind: "ask"; ticket: number; effect: Effect };

/** How a client stays connected, in milliseconds. */
export interface Timing {
  /** From the first byte to `init`; then the attempt has failed. */
  connectMs: number;
  /** How long an old connection that is in doubt has to answer. */
  probeMs: number;
  /** The wait after a first failure; it doubles with each more in a row. */
  firstWaitMs: number;
  /** The longest of these waits. */
  longestWaitMs: number;
  /** A connection that was open for so long has held: failures before it do not count any more. */
  heldMs: number;
}

export type Transport = "websocket" | "polling";

/** Which transports are used: one only, or WebSocket and polling where no WebSocket can be had. */
export type Transports = "both" | Transport;

/** Why a connection ended, or an attempt failed. */
export type Lost =
  /** Nobody answered, or the connection broke; nothing was heard for too long; no `init` in time. */
  | { why: "broken" | "silent" | "timed_out" }
  /** Something on the way does not let WebSockets through. */
  | { why: "no_websocket" }
  /** The server cannot take more connections now. */
  | { why: "busy"; retry_after_ms?: number }
  /** The server closed with this code. */
  | { why: "closed"; code: number }
  /** The server ended the session without a code. */
  | { why: "put_out" }
  /** The server did not keep the protocol. */
  | { why: "protocol" };

/** What is to be done about the connection. */
export type Order = { connect: { transport: Transport } } | { probe: true } | { drop: Lost };
