import { registerHooks } from 'node:module'

/** What client-node's configuration module names of its generated half; impound builds no API objects with it. */
const STAND_IN = 'export const createConfiguration = undefined; export class ServerConfiguration {}'

/**
 * Runs an import of client-node without its generated half: some nine hundred model classes that reading a kubeconfig does
 * not need and that cost about 45 MB and half a second, in a tool that is started in the middle of an incident. Where
 * client-node is arranged otherwise one day, everything is loaded as before; a test tells.
 */
export async function leanImport<Module>(load: () => Promise<Module>): Promise<Module> {
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      const ofClientNode = context.parentURL?.includes('/@kubernetes/client-node/dist/') === true
      if (!ofClientNode || !/^\.\/gen\/index\.js$/.test(specifier)) return next(specifier, context)
      return {
        url: `data:text/javascript,${encodeURIComponent(STAND_IN)}`,
        format: 'module',
        shortCircuit: true,
      }
    },
  })
  try {
    return await load()
  } finally {
    hooks.deregister()
  }
}
