-- Events that a consumer gave up on. At most one of a consumer for each position of a log. Names are bytes, as those of cursors.
CREATE TABLE IF NOT EXISTS {dead_letter} (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    consumer VARBINARY(255) NOT NULL,
    log VARBINARY(255) NOT NULL,
    event_id BIGINT NOT NULL,
    error_msg LONGTEXT NOT NULL,
    error_status INT NOT NULL,
    attempts BIGINT,
    event LONGTEXT,
    created_at DATETIME(6) NOT NULL,
    updated_at DATETIME(6) NOT NULL,
    UNIQUE KEY dead_letter_position (consumer, log, event_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
