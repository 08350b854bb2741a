// What a compiler takes out moves every line below it.
interface Order {
  id: number;
  lines: string[];
}

type Priced = Order & { total: number };

export function priceOrder(order: Order, milliseconds: number): Priced {
  const end: number = Date.now() + milliseconds;
  let total: number = order.lines.length;
  while (Date.now() < end) {
    for (let cent = 0; cent < 1000; cent++) total = (total * 31 + cent) & 0xffff; // HERE
  }
  return { ...order, total };
}

setInterval(() => priceOrder({ id: 1, lines: ['a'] }, 400), 1200);
process.stdout.write('ready\n');
