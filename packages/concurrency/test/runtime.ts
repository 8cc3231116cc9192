/** The runtime that runs the tests, and programs for it. */
import { fileURLToPath } from 'node:url'

/**
 * Deno of the port matrix. What it lacks stands in docs/ports.md; a test that needs it is skipped there, and `.ci/run`
 * lists it.
 */
export const onDeno = 'Deno' in globalThis

/** The path of a program in `programs/`. */
export function program(name: string): string {
  return fileURLToPath(new URL(`programs/${name}.ts`, import.meta.url))
}

/** The environment of a process that runs the sources: what it compiles is kept for the next one. */
export const compiled = {
  ...process.env,
  NODE_COMPILE_CACHE: fileURLToPath(new URL('../node_modules/.cache/compile', import.meta.url)),
}
