// Who is there and what was said, through the HTTP API.

/** Requests at once. */
const AT_ONCE = 32;
const LIMIT_MS = 30_000;
/** What people write is of every length. */
const SENTENCES = [
  "好的", "在吗？", "请问这个还有货吗？", "可以的，最多十二个字，免费刻。", "什么时候能发货呀，急用",
  "已经发货了，单号稍后给您，一般两天到，路上有什么问题随时找我。",
  "这个礼盒可以刻字吗？想送给老师，名字大概八个字，刻在笔杆上的那种，最好能赶在教师节前送到，谢谢您啦！",
];

export class Shop {
  constructor(url) {
    this.url = url;
    this.sent = 0;
  }

  /** People with names, so that they exist. */
  async people(users) {
    await each(users, (user) => this.post(user, "setProfile", { nickname: `顾客${user}` }));
  }

  /** So many messages between the merchant and each buyer, in turns. */
  async talk(merchant, buyers, messages) {
    const pairs = buyers.flatMap((buyer) => Array.from({ length: messages }, (_, at) => ({ buyer, at })));
    await each(pairs, ({ buyer, at }) => {
      const [from, to] = at % 2 === 0 ? [buyer, merchant] : [merchant, buyer];
      return this.say(from, to, sentence(this.sent));
    });
  }

  say(from, to, text) {
    this.sent += 1;
    const temp_message_id = `bench-${process.pid}-${from}-${this.sent}`;
    return this.post(from, "sendMessage", { temp_message_id, chat_type: "p2p", to_user_id: to, type: "text", message: text });
  }

  async post(user, operation, payload) {
    const response = await fetch(`${this.url}/api/v1/${operation}?userId=${user}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(payload),
      signal: AbortSignal.timeout(LIMIT_MS),
    });
    const answer = await response.json();
    if (!answer.ok) throw new Error(`${operation}: ${JSON.stringify(answer)}`);
    return answer;
  }
}

export function sentence(number) {
  return SENTENCES[number % SENTENCES.length];
}

/** Buyers of one load, whom no other load has. */
export function buyers(from, count) {
  return Array.from({ length: count }, (_, at) => String(from + at));
}

/** Works through a list, some at once. */
async function each(items, work) {
  const rest = items.values();
  const worker = async () => {
    for (const item of rest) await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
