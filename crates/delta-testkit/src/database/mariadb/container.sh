# Runs a MariaDB server in its container until nobody owns it: until no connection uses the database $1 for a minute.
docker-entrypoint.sh mariadbd --skip-name-resolve --max-connections=500 --character-set-server=utf8mb4 \
    --innodb-flush-log-at-trx-commit=0 --innodb-doublewrite=OFF &
server=$!
missed=0
while [ "$missed" -lt 12 ] && kill -s 0 "$server"; do
    sleep 5
    owners=$(mariadb -uroot -p"$MARIADB_ROOT_PASSWORD" -Nse \
        "SELECT count(*) FROM information_schema.processlist WHERE db = '$1'" 2>/dev/null)
    if [ "${owners:-0}" -eq 0 ]; then missed=$((missed + 1)); else missed=0; fi
done
kill -s TERM "$server"
wait "$server"
