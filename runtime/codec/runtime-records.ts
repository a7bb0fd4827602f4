// What the runtime itself writes into an actor's stream: outcomes that are no domain events.

/** The runtime's own record that a command was refused. */
export interface RejectedRecord {
  /** Its type in the log. */
  readonly type: 'reenact.Rejected'
  /** As it was given. */
  readonly command: { readonly type: string }
  /** The machine's state value then. */
  readonly state: unknown
  /** Guards that refused, by name; an inline guard by its path in the machine. */
  readonly guards: readonly string[]
  /** What the machine's `reject` action said. */
  readonly reason?: string
  /** Details of the `reject` action. */
  readonly details?: unknown
}

/** The runtime's own record that a command was accepted and changed nothing. */
export interface NoEffectRecord {
  /** Its type in the log. */
  readonly type: 'reenact.NoEffect'
  /** As it was given. */
  readonly command: { readonly type: string }
}

/** A record of the runtime itself: invisible to the machine, shown in history and timeline. */
export type RuntimeRecord = RejectedRecord | NoEffectRecord
