/*
 * Retries over two routes (docs/protocol.md 7.35, 7.37), for spin:
 *
 *     spin -a flights.pml && gcc -O2 -o pan pan.c && ./pan -a -f -m100000
 *
 * One station says one statement and keeps its cell; the same bytes go by either route, and
 * are sealed anew only when both had them and the peer was heard since. The receiver takes
 * each cell once. Both routes and the way back lose, double and reorder within bounds. The
 * claim: the statement is receipted in the end, and recorded once.
 *
 * With -DNO_RESEAL given to spin the sender repeats the first cell for ever: a receipt that
 * is lost never comes, even with -DLOSSES=1 -DDOUBLES=0.
 */
#ifndef LOSSES
#define LOSSES 2
#endif
#ifndef DOUBLES
#define DOUBLES 1
#endif

#define ROUTES 2
#define CELLS 4         /* sealings; each one that is lost costs a loss, or its receipt does */

/* What is on its way: sets, so that any order is possible. */
bit cells[8];           /* cell * ROUTES + route */
bit receipts = 0;

byte losses = LOSSES, doubles = DOUBLES;
byte recorded = 0;
bit came[CELLS];
bit receipted = 0;

#define SEND(bit_on_the_wire) \
    if \
    :: bit_on_the_wire = 1 \
    :: losses > 0 -> losses-- \
    fi

#define TAKE(bit_on_the_wire) \
    if \
    :: bit_on_the_wire = 0 \
    :: doubles > 0 -> doubles-- \
    fi

/* A cell whose counter came before is refused and answered by nothing. */
inline hear(c, r) {
    TAKE(cells[c * ROUTES + r]);
    if
    :: came[c] -> skip
    :: else ->
        came[c] = 1;
        if
        :: recorded == 0 -> recorded++
        :: else -> skip      /* the statement is known by its digest: receipted again */
        fi;
        SEND(receipts)
    fi
}

#define HEAR(c) \
    :: atomic { cells[c * ROUTES] -> hear(c, 0) } \
    :: atomic { cells[c * ROUTES + 1] -> hear(c, 1) }

proctype Receiver() {
end:
    do
    HEAR(0) HEAR(1) HEAR(2) HEAR(3)
    od
}

byte cell = 0;
bit tried[ROUTES], heard = 0;

#define SAY(r) :: atomic { !receipted && !tried[r] -> \
    SEND(cells[cell * ROUTES + r]); tried[r] = 1; heard = 0 }

proctype Sender() {
end:
    do
    SAY(0) SAY(1)
    /* A pong, or anything else that the peer says. */
    :: atomic { !receipted && tried[0] && tried[1] && !heard -> heard = 1 }
#ifndef NO_RESEAL
    :: atomic { !receipted && heard && cell < CELLS - 1 ->
        cell++; tried[0] = 0; tried[1] = 0; heard = 0 }
#endif
    :: atomic { receipts -> TAKE(receipts); receipted = 1 }
    od
}

init {
    atomic { run Receiver(); run Sender() }
}

ltl receipted_in_the_end { <> receipted && [] (recorded <= 1) }
