import { type ModuleHooks, registerHooks, type ResolveHookSync } from 'node:module'

/** What client-node's configuration module names of its generated half; impound builds no API objects with it. */
const STAND_IN = 'export const createConfiguration = undefined; export class ServerConfiguration {}'

/**
 * Runs an import of client-node without its generated half: some nine hundred model classes that reading a kubeconfig does
 * not need and that cost about 45 MB and half a second, in a tool that is started in the middle of an incident. Where
 * client-node is arranged otherwise one day, everything is loaded as before; a test tells.
 */
export async function leanImport<Module>(load: () => Promise<Module>): Promise<Module> {
  const hooks = registered()
  try {
    return await load()
  } finally {
    hooks?.deregister()
  }
}

/** Undefined where hooks can't be had: jest's loader refuses them, and everything is loaded as it is. */
function registered(): ModuleHooks | undefined {
  try {
    return registerHooks({ resolve: withoutModels })
  } catch {
    return undefined
  }
}

const withoutModels: ResolveHookSync = (specifier, context, next) => {
  const ofClientNode = context.parentURL?.includes('/@kubernetes/client-node/dist/') === true
  if (!ofClientNode || !/^\.\/gen\/index\.js$/.test(specifier)) return next(specifier, context)
  return {
    url: `data:text/javascript,${encodeURIComponent(STAND_IN)}`,
    format: 'module',
    shortCircuit: true,
  }
}
