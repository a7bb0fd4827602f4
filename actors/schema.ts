// Validation through Standard Schema: zod, valibot, arktype and others fit.

import type { StandardSchemaV1 } from '@standard-schema/spec'

/** Any schema that follows Standard Schema. */
export type Schema = StandardSchemaV1<unknown, unknown>

/** The validated value, or what is wrong with it, one sentence an issue. */
export type Validation =
  | { readonly value: unknown; readonly issues?: undefined }
  | { readonly issues: readonly string[] }

/** Validates now. A schema that needs to wait cannot be used: decisions are synchronous. */
export function validate(schema: Schema, value: unknown): Validation {
  const result = schema['~standard'].validate(value)
  if (result instanceof Promise) {
    result.catch(() => {}) // The refusal below says it all.
    return { issues: ['the schema is asynchronous: use a synchronous one'] }
  }
  if (!result.issues) return { value: result.value }
  return {
    issues: result.issues.map((issue) => {
      const path = (issue.path ?? [])
        .map((part) => String(typeof part === 'object' ? part.key : part))
        .join('.')
      return path ? `${path}: ${issue.message}` : issue.message
    }),
  }
}
