# Runs a Postgres server in its container until nobody owns it: until no connection is called $1 for a minute.
docker-entrypoint.sh postgres -c fsync=off -c full_page_writes=off -c max_connections=300 &
server=$!
missed=0
while [ "$missed" -lt 12 ] && kill -s 0 "$server"; do
    sleep 5
    owners=$(psql -U postgres -Atc "SELECT count(*) FROM pg_stat_activity WHERE application_name = '$1'" 2>/dev/null)
    if [ "${owners:-0}" -eq 0 ]; then missed=$((missed + 1)); else missed=0; fi
done
kill -s INT "$server"
wait "$server"
