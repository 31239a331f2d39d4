// Writes docs/commands.md from what the built commands say of themselves; with --print, to stdout instead.
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import { Plugin } from '@oclif/core'
import { format, resolveConfig } from 'prettier'

const root = join(import.meta.dirname, '..')
const target = join(root, 'docs', 'commands.md')

const INTRODUCTION = `# Commands

What \`impound COMMAND --help\` says, for reading. \`npm run docs\` writes this page from the program; a test fails when it is stale.

stdout is the result, stderr everything else. Under \`--json\` the result, or the error, is one JSON document that names its schema, which stands in [schemas/](../schemas). Exit statuses, rights, and what each command changes in the cluster: [README](../README.md).
`

const plugin = new Plugin({
  root,
  type: 'core',
  ignoreManifest: true,
  errorOnManifestCreate: true,
  respectNoCacheDefault: true,
})
await plugin.load()
const commands = Object.values(plugin.manifest.commands)
  .filter(({ hidden }) => hidden !== true)
  .sort((a, b) => (a.id < b.id ? -1 : 1))
const options = { ...(await resolveConfig(target)), parser: 'markdown' }
const page = await format([INTRODUCTION, ...commands.map(section)].join('\n'), options)

if (process.argv.includes('--print')) process.stdout.write(page)
else {
  await mkdir(dirname(target), { recursive: true })
  await writeFile(target, page)
}

/** One command: what it is for, how it is called, its flags by group, examples. */
function section(command) {
  return [
    `## impound ${command.id.replaceAll(':', ' ')}`,
    sentence(command.summary),
    ['```', usage(command), '```'].join('\n'),
    escaped(command.description ?? ''),
    ...argumentTable(Object.values(command.args)),
    ...flagTables(Object.values(command.flags)),
    ...examples(command.examples ?? []),
  ]
    .filter((part) => part !== '')
    .map((part) => `${part}\n`)
    .join('\n')
}

function usage({ id, args, strict }) {
  const names = Object.values(args).map(({ name, required }) => {
    const word = `${name.toUpperCase()}${strict === false ? '…' : ''}`
    return required ? word : `[${word}]`
  })
  return ['impound', id.replaceAll(':', ' '), ...names, '[FLAGS]'].join(' ')
}

function argumentTable(args) {
  if (args.length === 0) return []
  const rows = args.map(({ name, description }) => [code(name.toUpperCase()), escaped(description)])
  return [table(['argument', 'what it is'], rows)]
}

/** A command's own flags first, then those that it shares with others, each group under its name. */
function flagTables(flags) {
  const groups = new Map([['', []]])
  for (const flag of flags) {
    const group = flag.helpGroup ?? ''
    groups.set(group, [...(groups.get(group) ?? []), flag])
  }
  return [...groups]
    .filter(([, members]) => members.length > 0)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([group, members]) => {
      const rows = members
        .sort((a, b) => (a.name < b.name ? -1 : 1))
        .map((flag) => [flagWord(flag), [escaped(flag.summary), ...conditions(flag)].join('; ')])
      return [
        `### ${group === '' ? 'Flags' : `${sentence(group.toLowerCase())} flags`}`,
        table(['flag', 'what it does'], rows),
      ]
    })
}

function flagWord({ char, name, type, helpValue, multiple }) {
  const value = type === 'option' ? ` ${helpValue ?? 'VALUE'}${multiple ? '…' : ''}` : ''
  return code(`${char === undefined ? '' : `-${char}, `}--${name}${value}`)
}

/** What the summary leaves to the parser: default, choices, flags that it needs or can't stand beside. */
function conditions(flag) {
  const names = (list) => list.map((name) => code(`--${name}`)).join(', ')
  return [
    ...(flag.default === undefined ? [] : [`default ${code(String(flag.default))}`]),
    ...(flag.options === undefined ? [] : [`one of ${flag.options.map(code).join(', ')}`]),
    ...(flag.required === true ? ['required'] : []),
    ...(flag.dependsOn === undefined ? [] : [`only with ${names(flag.dependsOn)}`]),
    ...(flag.exclusive === undefined ? [] : [`not with ${names(flag.exclusive)}`]),
  ]
}

function examples(lines) {
  if (lines.length === 0) return []
  const shown = lines.map((line) => line.replaceAll('<%= config.bin %>', 'impound'))
  return ['### Examples', ['```sh', ...shown, '```'].join('\n')]
}

function table(head, rows) {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function code(text) {
  return `\`${text.replaceAll('|', '\\|')}\``
}

function sentence(text) {
  return escaped(text.charAt(0).toUpperCase() + text.slice(1))
}

function escaped(text) {
  return text.replaceAll(/[\\`*_<>|[\]]/g, '\\$&')
}
