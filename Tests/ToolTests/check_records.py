"""Checks `recq json` lines on standard input against market.py: kind, count."""

import json
import sys
from decimal import Decimal

from market import Market

dataset, count = sys.argv[1], int(sys.argv[2])
market = Market("BTCUSDT", invalid=50)
tick, step = Decimal("0.01"), Decimal("0.00001")
rows = [json.loads(line, parse_float=Decimal, parse_int=Decimal) for line in sys.stdin]
assert len(rows) == count, f"{len(rows)} records instead of {count}"

for place, row in enumerate(rows, 1):
    if dataset == "klines":
        expected = market.kline(int(row["open_time_us"]), 60_000_000, 5000)
        found = [
            *(row[name] / tick for name in ("open_price", "high_price", "low_price", "close_price")),
            row["volume"] / step, row["quote_volume"] / (tick * step), row["trade_count"],
            row["taker_buy_base_volume"] / step, row["taker_buy_quote_volume"] / (tick * step)]
        assert row["open_time_us"] == market.start + (place - 1) * 60_000_000
        assert row["is_closed"] is True
    elif dataset == "trades":
        expected = list(market.trade(place))
        found = [row["trade_id"], row["event_time_us"], row["price"] / tick, row["qty"] / step,
                 row["is_buyer_maker"]]
    else:
        expected = list(market.aggregate(place))
        found = [row["agg_trade_id"], row["event_time_us"], row["price"] / tick, row["qty"] / step,
                 row["first_trade_id"], row["last_trade_id"], row["is_buyer_maker"]]
        assert row["flags"] == (1 if place % 50 == 0 else 0)
    assert found == expected, f"record {place}: {found} instead of {expected}"
    assert row["source"] == "rest" and row["symbol"] == "BTCUSDT"
