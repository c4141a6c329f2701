import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { noRealNode, realNodeName } from './real-node.ts';

/** What there is of a cluster with this folder: processes, cgroups, mounts, network interfaces, files. */
export async function tracesOf(folder: string): Promise<string[]> {
  const name = realNodeName(folder);
  const isOfIt = (text: string) => text.includes(folder) || text.includes(name);
  const processes = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry));
  // One of a container knows neither name nor folder, but is in a cgroup below the cluster's.
  const described = await Promise.all(
    processes.map(async (pid) => ({ args: await proc(pid, 'cmdline'), cgroups: await proc(pid, 'cgroup') })),
  );
  const lines = (what: string, command: string, ...args: string[]) => {
    const printed = execFileSync(command, args, { encoding: 'utf8' }).split('\n');
    return printed.filter(isOfIt).map((line) => `${what} ${line}`);
  };
  return [
    ...described
      .filter(({ args, cgroups }) => isOfIt(args) || isOfIt(cgroups))
      .map(({ args }) => `process ${args.replaceAll('\0', ' ')}`),
    ...lines('cgroup', 'find', '/sys/fs/cgroup', '-maxdepth', '2'),
    ...lines('mount', 'cat', '/proc/mounts'),
    ...lines('interface', 'ip', '-oneline', 'link'),
    ...lines('folder', 'find', dirname(folder), '-maxdepth', '1'),
  ];
}

const proc = (pid: string, file: string): Promise<string> => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');

/** What a kubelet and its plugins would change for all of the machine. */
export function settings(): string {
  const names = [
    'vm.overcommit_memory',
    'vm.panic_on_oom',
    'kernel.panic',
    'kernel.panic_on_oops',
    'kernel.keys.root_maxkeys',
    'kernel.keys.root_maxbytes',
    'net.ipv4.ip_forward',
  ];
  return noRealNode
    ? ''
    : names.map((name) => `${name} ${readFileSync(`/proc/sys/${name.replaceAll('.', '/')}`, 'utf8')}`).join('');
}
