// What JSON can say.

/** A JSON value. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject

/** A JSON object: what every payload is at the top. */
export interface JsonObject {
  readonly [key: string]: Json
}
