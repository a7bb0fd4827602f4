// What users import from 'reenact/sql'. Apart, so that nobody else needs Kysely.

export { type SqlOptions, type SqlReader, sql } from './sql-view.ts'
