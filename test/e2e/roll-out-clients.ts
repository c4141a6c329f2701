/** What one request came to. */
export interface Answer {
  readonly lane: string;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly status: number;
  readonly says: string;
}

interface Clients {
  readonly url: string;
  /** The endpoints that they ask. */
  readonly lanes: readonly string[];
  /** What every client asks. */
  readonly says: string;
}

/** Clients of each of the endpoints, twenty requests a second, for as long as it lasts; what they were answered. */
export async function withClients({ url, lanes, says }: Clients, during: () => Promise<void>): Promise<Answer[]> {
  const answers: Answer[] = [];
  const open = new Set<Promise<void>>();
  const ask = async (lane: string): Promise<void> => {
    const fromMs = Date.now();
    const said = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: lane, messages: [{ role: 'user', content: says }] }),
    })
      .then(async (answer) => ({ status: answer.status, says: await answer.text() }))
      .catch((error: unknown) => ({ status: 0, says: String((error as Error).cause ?? error) }));
    answers.push({ lane, fromMs, untilMs: Date.now(), ...said });
  };
  const clients = setInterval(() => {
    for (const lane of lanes) {
      const asked = ask(lane).finally(() => open.delete(asked));
      open.add(asked);
    }
  }, 50);
  try {
    await during();
  } finally {
    clearInterval(clients);
  }
  await Promise.all(open);
  return answers;
}
