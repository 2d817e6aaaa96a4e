SELECT 1+-1, 2*-3, @-4, a->>'b', c #>> '{d;e}', f @> g, h<>i, j::text, k := 1, l => 2, 5..6, 1.5e-3, .5, 0x1F, 1_000;
SELECT a ~ 'x', b !~* 'y', c || ';' || d, e ?| array['f'], g <-> h, i != j;
SELECT a[1:2], b[:3], $1, :'notpsql';
