/** The input of an entry as arguments and options of a command, and back. */
import { Argument, type Command, Option } from 'commander'
import { z } from 'zod'
import { CommandError } from './cli-errors.ts'
import { queryReader } from './http-input.ts'
import type { AnyOperation } from './operation.ts'

/** What a command line says about the input. */
export interface InputReader {
  /** Arguments that belong to the input; those of the body come after them. */
  readonly argumentCount: number
  /**
   * Reads and checks the input.
   *
   * @throws CommandError `COMMAND_USAGE`, naming the arguments and options as they are typed
   */
  read(values: readonly unknown[], command: Command): Record<string, unknown>
}

/** What of a property's JSON schema a command shows. */
interface Property {
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly default?: unknown
  readonly description?: string
}

interface Field {
  readonly key: string
  /** As typed: `cid`, `cid-version`. */
  readonly word: string
  readonly required: boolean
  readonly property: Property
}

/**
 * Adds the arguments and options of an entry to its command: the keys that `command.arguments` names (else the required
 * ones) are arguments, the others options.
 *
 * @throws TypeError for an input that has no form as a command line
 */
export function declareInput(entry: AnyOperation, command: Command): InputReader {
  const fields = fieldsOf(entry)
  const isArgument = (field: Field) => entry.command?.arguments?.includes(field.key) ?? field.required
  const order = entry.command?.arguments ?? fields.filter(isArgument).map(({ key }) => key)
  const positional = order.map((key) => fields.find((field) => field.key === key) as Field)
  const optional = positional.findIndex((field) => !field.required)
  if (
    optional !== -1 &&
    (entry.body !== 'none' || positional.slice(optional).some((field) => field.required))
  ) {
    throw new TypeError(
      `${entry.name}: the argument ${order[optional]} may be left out, but not what comes after it`,
    )
  }
  for (const field of positional) command.addArgument(argumentFor(field))
  const options = fields
    .filter((field) => !isArgument(field))
    .map((field) => ({ field, option: optionFor(entry, field) }))
  for (const { option } of options) command.addOption(option)

  return {
    argumentCount: positional.length,
    read(values, given) {
      const texts: Record<string, string> = {}
      for (const [index, { key }] of positional.entries()) {
        const value = values[index] as string | number | boolean | undefined
        if (value !== undefined) texts[key] = String(value)
      }
      for (const { field, option } of options) {
        const name = option.attributeName()
        if (given.getOptionValueSource(name) !== 'default' && given.getOptionValue(name) !== undefined) {
          texts[field.key] = String(given.getOptionValue(name))
        }
      }
      const input = queryReader(entry)(texts)
      check(entry, input, (key) => {
        const found = options.find(({ field }) => field.key === key)
        return found === undefined ? `<${wordOf(key)}>` : (found.option.long ?? key)
      })
      return input
    },
  }
}

function fieldsOf(entry: AnyOperation): Field[] {
  const schema = z.toJSONSchema(entry.input, { io: 'input', unrepresentable: 'any' })
  const required = new Set(schema.required)
  return Object.entries(schema.properties ?? {}).map(([key, property]) => ({
    key,
    word: wordOf(key),
    required: required.has(key),
    property: property as Property,
  }))
}

function argumentFor({ word, required, property }: Field): Argument {
  const argument = new Argument(required ? `<${word}>` : `[${word}]`, property.description)
  if (property.enum !== undefined) argument.choices(property.enum.map(String))
  if (property.default !== undefined) argument.default(property.default)
  return argument
}

function optionFor(entry: AnyOperation, { key, word, required, property }: Field): Option {
  if (word.startsWith('no-')) {
    throw new TypeError(
      `${entry.name}: the option --${word} would read as the opposite of --${word.slice(3)}`,
    )
  }
  const isSwitch = property.type === 'boolean'
  const value = property.type === 'number' || property.type === 'integer' ? '<number>' : '<value>'
  const flags = isSwitch ? `--${property.default === true ? 'no-' : ''}${word}` : `--${word} ${value}`
  const option = new Option(flags, describe(property))
  if (option.attributeName() !== key)
    throw new TypeError(`${entry.name}: the key ${key} has no form as an option`)
  if (isSwitch) return option
  if (property.enum !== undefined) option.choices(property.enum.map(String))
  if (property.default !== undefined) option.default(property.default)
  return option.makeOptionMandatory(required)
}

/** The sentence of a switch that is on by itself describes what `--no-…` turns off. */
function describe({ description, default: on }: Property): string | undefined {
  return on === true && description !== undefined ? `do not: ${description}` : description
}

function wordOf(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** Says early, and in the words of the command line, what the operation would refuse. */
function check(entry: AnyOperation, input: Record<string, unknown>, typed: (key: string) => string): void {
  const parsed = (entry.input as z.ZodObject).safeParse(input)
  if (parsed.success) return
  const problems = parsed.error.issues.map(({ path: [key], message }) =>
    key === undefined ? message : `${typed(String(key))}: ${message}`,
  )
  throw new CommandError('COMMAND_USAGE', problems.join('; '))
}
