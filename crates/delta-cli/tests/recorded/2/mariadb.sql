/*M!999999\- enable the sandbox mode */ 

/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!40101 SET @OLD_CHARACTER_SET_RESULTS=@@CHARACTER_SET_RESULTS */;
/*!40101 SET @OLD_COLLATION_CONNECTION=@@COLLATION_CONNECTION */;
/*!40101 SET NAMES utf8mb4 */;
/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */;
/*!40103 SET TIME_ZONE='+00:00' */;
/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */;
DROP TABLE IF EXISTS `delta_attempt_error`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `delta_attempt_error` (
  `resource_id` bigint(20) NOT NULL,
  `number` bigint(20) NOT NULL,
  `at` bigint(20) NOT NULL,
  `generation` bigint(20) NOT NULL,
  `attempt` bigint(20) NOT NULL,
  `message` text NOT NULL,
  `backtrace` text DEFAULT NULL,
  PRIMARY KEY (`resource_id`,`number`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `delta_attempt_error` WRITE;
/*!40000 ALTER TABLE `delta_attempt_error` DISABLE KEYS */;
INSERT INTO `delta_attempt_error` (`resource_id`, `number`, `at`, `generation`, `attempt`, `message`, `backtrace`) VALUES (48,978,95245120307278136,6098775471103354195,2292393531795560271,'+﻿󏓦g🕴󝡬&񤗱\r򺐗\"u','🦀\r\r\\\r\"'),
(48,979,211545622208772342,9043143475515440202,6914888680383828698,'\r}\'\'',NULL),
(48,980,188009316943761241,7825073048641507046,1084525068654727077,'񛇁t:\'	~`𧉳\"🕴','\\'),
(68,706,-26332473510260006,8010073254326884420,1155206314391814960,'N',NULL),
(72,106,201283309346936835,174296578192303580,2524134760555725679,'񳬪&𪶓','\'\r\"{\ŕ'),
(72,107,81996442274172230,1771113012366754686,6029744982523154635,'\r',NULL),
(85,965,86336479023602940,7952211444655015037,1520184402423822492,'y ',NULL),
(85,966,1795695750508850,5940174319679845944,7021504018778137079,'é\'[',NULL),
(100,723,111129527895556074,1294903447697540963,7819124831469760126,']\\‮',NULL),
(100,724,1838486716923227,6291026442523808524,4005405622018165478,' ',NULL),
(133,239,1806821175437828,3050837664359805325,4080948027917074422,'De𫌶򤬇!\"񺊪.񛨊ѨD',NULL),
(133,240,1846243096589311,3466586880394346451,6329318012099581019,'q','  F'),
(133,241,1839727142948941,2872197530933900551,2035730085087589655,'}\'́','HKs'),
(177,868,1746174490970382,8797693782414641496,295712351161214068,'\'𼟩Ѩ',NULL),
(177,869,-46419918913091903,3139113445207019541,3273351073200653322,'\n',NULL),
(177,870,-24410758183314606,5506521912821874590,3474525419863753400,'N',NULL),
(223,593,18942987611377111,6254204917601025493,2992245252329118548,'🦀é\'́}🦀',NULL);
/*!40000 ALTER TABLE `delta_attempt_error` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `delta_cursor`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `delta_cursor` (
  `name` varbinary(255) NOT NULL,
  `position` longtext DEFAULT NULL,
  `holder` bigint(20) DEFAULT NULL,
  `lease_until` bigint(20) DEFAULT NULL,
  `next_at` bigint(20) DEFAULT NULL,
  `data` longtext DEFAULT NULL,
  `version` bigint(20) NOT NULL,
  PRIMARY KEY (`name`),
  CONSTRAINT `delta_cursor_version` CHECK (`version` >= 1)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `delta_cursor` WRITE;
/*!40000 ALTER TABLE `delta_cursor` DISABLE KEYS */;
INSERT INTO `delta_cursor` (`name`, `position`, `holder`, `lease_until`, `next_at`, `data`, `version`) VALUES (0x20,'é\\;\n\"',-1823494624629003978,NULL,NULL,'{}',6876419484441164271),
(0x5C,NULL,-8165716141318226737,NULL,1889763535441192,'{ \"O\" : [ 1.0,	-0e+5 ] }',8251351595800872913),
(0x64656C74612F696D706F7274,NULL,NULL,NULL,NULL,'{\"digest\":\"\",\"id\":0,\"position\":0,\"done\":true}',1),
(0xD1A8F39D8B913C,'t ',NULL,1632791376184921,1670033690811512,'\"ࣄXꬩ\\\"𞟻L/&Vk\\\"𐠷5𐔡{&ৣv=9\\\\\"',4740274930247508919),
(0xF09E8F85F1B080A3F19183A84F,NULL,NULL,1742543200011741,NULL,NULL,7275129666883722698);
/*!40000 ALTER TABLE `delta_cursor` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `delta_dead_letter`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `delta_dead_letter` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `consumer` varbinary(255) NOT NULL,
  `log` varbinary(255) NOT NULL,
  `event_id` bigint(20) NOT NULL,
  `error_msg` longtext NOT NULL,
  `error_status` int(11) NOT NULL,
  `attempts` bigint(20) DEFAULT NULL,
  `event` longtext DEFAULT NULL,
  `created_at` datetime(6) NOT NULL,
  `updated_at` datetime(6) NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `dead_letter_position` (`consumer`,`log`,`event_id`)
) ENGINE=InnoDB AUTO_INCREMENT=4 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `delta_dead_letter` WRITE;
/*!40000 ALTER TABLE `delta_dead_letter` DISABLE KEYS */;
INSERT INTO `delta_dead_letter` (`id`, `consumer`, `log`, `event_id`, `error_msg`, `error_status`, `attempts`, `event`, `created_at`, `updated_at`) VALUES (1,0x6D61696C6572,0x64656C7461,3,'no	💥 \"3\"',3,3,'{ \"position\": 3 }','2023-11-14 22:13:20.000004','2027-01-15 08:00:00.000004'),
(2,0x6D61696C6572,0x64656C7461,2,'no	💥 \"2\"',2,2,'{ \"position\": 2 }','2023-11-14 22:13:20.000003','2027-01-15 08:00:00.000003'),
(3,0x6D61696C6572,0x64656C7461,1,'no	💥 \"1\"',1,1,'{ \"position\": 1 }','2023-11-14 22:13:20.000002','2027-01-15 08:00:00.000002');
/*!40000 ALTER TABLE `delta_dead_letter` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `delta_detail`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `delta_detail` (
  `resource_id` bigint(20) NOT NULL AUTO_INCREMENT,
  `object` longtext NOT NULL,
  `tags` text DEFAULT NULL,
  PRIMARY KEY (`resource_id`)
) ENGINE=InnoDB AUTO_INCREMENT=239 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `delta_detail` WRITE;
/*!40000 ALTER TABLE `delta_detail` DISABLE KEYS */;
INSERT INTO `delta_detail` (`resource_id`, `object`, `tags`) VALUES (48,'\"?ண*𑛉~.ÉI�ৼ𛱙\"','[\"fd50z\",\"x8--4j\"]'),
(68,'{ \"CI\" : [ 1.0,	-0e+5 ] }','[\"f-w52im\"]'),
(72,'{ \"x\" : [ 1.0,	-0e+5 ] }','[\"g-f\"]'),
(85,'{}','[\"v-f\",\"i4v\"]'),
(100,'{ \"{,́}\\n\" : [ 1.0,	-0e+5 ] }','[\"vxr63s\",\"n-z\"]'),
(128,'{ \"\\r;\\\"🦀\'\" : [ 1.0,	-0e+5 ] }','[\"b-c\"]'),
(133,'{ \"\'\\r]\\\";\" : [ 1.0,	-0e+5 ] }','[\"g-f\",\"j0-0s\"]'),
(177,'{ \"\\u001b{񠇘&?¥M\" : [ 1.0,	-0e+5 ] }','[\"wok6q2q\",\"s-cjg\"]'),
(218,'{ \"q\" : [ 1.0,	-0e+5 ] }','[\"m-xl4qz\"]'),
(223,'\"𝒿`𑍐\\\\𞹝=\"',NULL);
/*!40000 ALTER TABLE `delta_detail` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `delta_event`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `delta_event` (
  `position` bigint(20) NOT NULL AUTO_INCREMENT,
  `event_kind` varchar(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `reason` varchar(32) CHARACTER SET ascii COLLATE ascii_bin DEFAULT NULL,
  `resource_id` bigint(20) DEFAULT NULL,
  `namespace_id` int(11) DEFAULT NULL,
  `kind_id` int(11) DEFAULT NULL,
  `object_id` varbinary(1020) DEFAULT NULL,
  `state` varchar(16) CHARACTER SET ascii COLLATE ascii_bin DEFAULT NULL,
  `generation` bigint(20) DEFAULT NULL,
  `attempt` bigint(20) DEFAULT NULL,
  `at` bigint(20) NOT NULL,
  `metadata` longtext DEFAULT NULL,
  `trace` varchar(64) CHARACTER SET ascii COLLATE ascii_bin DEFAULT NULL,
  `object` longtext DEFAULT NULL,
  PRIMARY KEY (`position`),
  CONSTRAINT `delta_event_reason` CHECK (`event_kind` = 'object_scheduled' = (`reason` is not null)),
  CONSTRAINT `delta_event_subject` CHECK (`resource_id` is null and `namespace_id` is null <> (`kind_id` is null) and `object_id` is null and `state` is null and `generation` is null and `attempt` is null or `resource_id` is not null and `namespace_id` is not null and `kind_id` is not null and `object_id` is not null and `state` is not null and `generation` is not null and `attempt` is not null)
) ENGINE=InnoDB AUTO_INCREMENT=312 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `delta_event` WRITE;
/*!40000 ALTER TABLE `delta_event` DISABLE KEYS */;
INSERT INTO `delta_event` (`position`, `event_kind`, `reason`, `resource_id`, `namespace_id`, `kind_id`, `object_id`, `state`, `generation`, `attempt`, `at`, `metadata`, `trace`, `object`) VALUES (24,'object_synced',NULL,8155974392640024643,3,3,0x2AF1A2B5B3D1A8381BC3973B,'archived',9147083771886357710,1995039942943119120,228819815772974615,NULL,NULL,NULL),
(60,'object_scheduled','changed',4912942986365676770,16,15,0x5A474E,'archived',8075637678341836256,7784704205597594542,170181815455323356,NULL,'00-59fda11fd975defd0022e0a3d7eacd75-64ba2f3c7afd662d-00','{ \"W\" : [ 1.0,	-0e+5 ] }'),
(68,'object_scheduled','retried',1933501311480659787,2,17,0x0DCC817BC3A9,'archived',7378733478826976082,5421023226869974761,130580522508545445,'{\"k\" : \"é🦀🦀\"}','00-d0d4c8f84aa9a04face77dbd0973ccd0-b098d54a9c89ffda-01',NULL),
(78,'object_paused',NULL,NULL,NULL,19,NULL,NULL,NULL,NULL,6582626859365806,NULL,NULL,NULL),
(112,'object_resumed',NULL,NULL,NULL,18,NULL,NULL,NULL,NULL,1829993570667107,NULL,NULL,NULL),
(137,'object_failed',NULL,7360089064198182308,6,9,0x09,'synced',6277036075064809025,3230157546405512758,95169326353031904,'{\"k\" : \",,\"}',NULL,NULL),
(142,'object_scheduled','revived',7035460545521523677,17,8,0x7A3C7450462AF2A5A88BE0B39C,'synced',5703376134068307629,4411956173171701374,147715649654945832,NULL,'00-bce379c3ac154d5c7e3c52c58ee35992-4f7b75710c0d3d5b-01',NULL),
(168,'object_scheduled','released',4288419975393111625,14,16,0x6370,'synced',3606528627775902072,1623861152256222829,87675645281045304,NULL,'00-786c99e39f3eee71fb551c190f95e334-946c63f01c824ffa-01','\"&NvÓ/=ࢠo𖄲𝞃\"'),
(190,'object_scheduled','requested',4704259255393071520,13,5,0x617154,'archived',4970986739715802510,5260651278754465740,172982649170066418,NULL,NULL,NULL),
(233,'object_failed',NULL,6696146671007207192,9,16,0x22,'synced',6140173196056121222,3478694665391949330,64358059137161980,'{\"k\" : \"򛹡\\u000b\\\\_󩭮\"}','00-ed50fb4f91d48d107e0eca2f989989ad-10948840850a6761-01','{ \":񞒧򔈉`񤭇𗔼󺅷&Ⱥ=\\n἗\" : [ 1.0,	-0e+5 ] }'),
(281,'object_purged',NULL,8347866751414975690,12,12,0xF198B4820B3FF294978BC398F48599B6F3BCA7A52A3D,'synced',7693354251458977154,1889459161624305827,1755309615549309,NULL,'00-1d4d6186aec52dcfd587d2cb38f400bc-56b526ff80b8eb29-00','{}');
/*!40000 ALTER TABLE `delta_event` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `delta_kind`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `delta_kind` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `name` varchar(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `paused` tinyint(1) NOT NULL DEFAULT 0,
  `settings` longtext DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `kind_name` (`name`),
  KEY `kind_paused` (`paused`),
  CONSTRAINT `delta_kind_name` CHECK (`name` regexp '^[a-z0-9_-]+$')
) ENGINE=InnoDB AUTO_INCREMENT=20 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `delta_kind` WRITE;
/*!40000 ALTER TABLE `delta_kind` DISABLE KEYS */;
INSERT INTO `delta_kind` (`id`, `name`, `paused`, `settings`) VALUES (1,'a-3',1,'{}'),
(2,'ac-2',0,'{ \"br\" : [ 1.0,	-0e+5 ] }'),
(3,'a',0,NULL),
(4,'a-5',0,NULL),
(5,'a-8',0,NULL),
(6,'aa-4',0,NULL),
(7,'aa-7',0,NULL),
(8,'ac-6',0,NULL),
(9,'ac-7',0,NULL),
(10,'b',0,NULL),
(11,'b-1',0,NULL),
(12,'b-6',0,NULL),
(13,'b-7',0,NULL),
(14,'b-9',0,NULL),
(15,'bc',0,NULL),
(16,'c',0,NULL),
(17,'c-5',0,NULL),
(18,'ca-0',0,NULL),
(19,'cb-0',0,NULL);
/*!40000 ALTER TABLE `delta_kind` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `delta_log_mark`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `delta_log_mark` (
  `position` bigint(20) NOT NULL,
  `at` bigint(20) NOT NULL,
  PRIMARY KEY (`position`),
  CONSTRAINT `delta_log_mark_position` CHECK (`position` >= 0)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `delta_log_mark` WRITE;
/*!40000 ALTER TABLE `delta_log_mark` DISABLE KEYS */;
INSERT INTO `delta_log_mark` (`position`, `at`) VALUES (0,0);
/*!40000 ALTER TABLE `delta_log_mark` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `delta_migration`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `delta_migration` (
  `version` int(11) NOT NULL,
  `name` varchar(255) NOT NULL,
  `serves` int(11) NOT NULL,
  `applied_at` timestamp NOT NULL DEFAULT current_timestamp(),
  PRIMARY KEY (`version`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `delta_migration` WRITE;
/*!40000 ALTER TABLE `delta_migration` DISABLE KEYS */;
INSERT INTO `delta_migration` (`version`, `name`, `serves`, `applied_at`) VALUES (1,'resources, events and cursors',1,'2026-11-21 05:45:57'),
(2,'dead letters',1,'2026-11-21 05:45:57');
/*!40000 ALTER TABLE `delta_migration` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `delta_namespace`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `delta_namespace` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `name` varchar(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `paused` tinyint(1) NOT NULL DEFAULT 0,
  `settings` longtext DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `namespace_name` (`name`),
  KEY `namespace_paused` (`paused`),
  CONSTRAINT `delta_namespace_name` CHECK (`name` regexp '^[a-z0-9_-]+$')
) ENGINE=InnoDB AUTO_INCREMENT=18 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `delta_namespace` WRITE;
/*!40000 ALTER TABLE `delta_namespace` DISABLE KEYS */;
INSERT INTO `delta_namespace` (`id`, `name`, `paused`, `settings`) VALUES (1,'b',1,'{ \"]\" : [ 1.0,	-0e+5 ] }'),
(2,'ac-1',0,NULL),
(3,'ac-9',0,NULL),
(5,'b-0',0,NULL),
(6,'b-2',0,NULL),
(7,'b-9',0,NULL),
(8,'ba',0,NULL),
(9,'bc-7',0,NULL),
(10,'c',0,NULL),
(11,'c-8',0,NULL),
(12,'ca-1',0,NULL),
(13,'cb',0,NULL),
(14,'cb-3',0,NULL),
(15,'cb-4',0,NULL),
(16,'cb-6',0,NULL),
(17,'cc-5',0,NULL);
/*!40000 ALTER TABLE `delta_namespace` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `delta_resource`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `delta_resource` (
  `id` bigint(20) NOT NULL,
  `namespace_id` int(11) NOT NULL,
  `kind_id` int(11) NOT NULL,
  `object_id` varbinary(1020) NOT NULL,
  `state` varchar(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `state_since` bigint(20) NOT NULL,
  `absent_by` varchar(16) CHARACTER SET ascii COLLATE ascii_bin DEFAULT NULL,
  `priority` tinyint(4) NOT NULL,
  `generation` bigint(20) NOT NULL,
  `synced_generation` bigint(20) NOT NULL,
  `attempt` bigint(20) NOT NULL,
  `max_attempts` bigint(20) DEFAULT NULL,
  `run_at` bigint(20) DEFAULT NULL,
  `lease_token` bigint(20) DEFAULT NULL,
  `lease_generation` bigint(20) DEFAULT NULL,
  `lease_attempt` bigint(20) DEFAULT NULL,
  `lease_owner` bigint(20) DEFAULT NULL,
  `lease_until` bigint(20) DEFAULT NULL,
  `lease_cancel` tinyint(1) NOT NULL,
  `version` bigint(20) NOT NULL,
  `hash` binary(32) NOT NULL,
  `metadata` longtext DEFAULT NULL,
  `trace` varchar(64) CHARACTER SET ascii COLLATE ascii_bin DEFAULT NULL,
  `error_count` bigint(20) NOT NULL,
  `external_created_at` bigint(20) DEFAULT NULL,
  `created_at` bigint(20) NOT NULL,
  `updated_at` bigint(20) NOT NULL,
  `attempted_at` bigint(20) DEFAULT NULL,
  `synced_at` bigint(20) DEFAULT NULL,
  `deleted_at` bigint(20) DEFAULT NULL,
  `deleted_by` varchar(16) CHARACTER SET ascii COLLATE ascii_bin DEFAULT NULL,
  `paused` tinyint(1) NOT NULL,
  `claim_namespace` int(11) GENERATED ALWAYS AS (case when `paused` = 0 and `state` in ('scheduled','failed','expired') then `namespace_id` end) STORED,
  `expiry_at` bigint(20) GENERATED ALWAYS AS (case when `state` = 'synced' then `synced_at` end) STORED,
  `ended_since` bigint(20) GENERATED ALWAYS AS (case when `state` in ('deleted','degraded') then `state_since` end) STORED,
  PRIMARY KEY (`id`),
  UNIQUE KEY `resource_key` (`namespace_id`,`kind_id`,`object_id`),
  KEY `resource_claim` (`claim_namespace`,`kind_id`,`priority`,`run_at`,`id`),
  KEY `resource_lease` (`lease_until`),
  KEY `resource_expiry` (`expiry_at`),
  KEY `resource_ended` (`ended_since`),
  CONSTRAINT `delta_resource_state` CHECK (`state` in ('scheduled','pending','synced','expired','failed','degraded','deleted')),
  CONSTRAINT `delta_resource_lease` CHECK (`state` = 'pending' and `lease_token` is not null and `lease_generation` is not null and `lease_attempt` is not null and `lease_owner` is not null and `lease_until` is not null or `state` <> 'pending' and `lease_token` is null and `lease_generation` is null and `lease_attempt` is null and `lease_owner` is null and `lease_until` is null and `lease_cancel` = 0),
  CONSTRAINT `delta_resource_run_at` CHECK (`run_at` is not null or `state` not in ('scheduled','failed','expired')),
  CONSTRAINT `delta_resource_deleted` CHECK (`state` <> 'deleted' or `deleted_at` is not null and `deleted_by` is not null),
  CONSTRAINT `delta_resource_counts` CHECK (`priority` between 1 and 4 and `generation` >= 1 and `synced_generation` between 0 and `generation` and `attempt` >= 0 and `version` >= 1 and `error_count` >= 0),
  CONSTRAINT `delta_resource_attempts` CHECK (`max_attempts` >= 0),
  CONSTRAINT `delta_resource_absent_by` CHECK (`absent_by` in ('request','missing')),
  CONSTRAINT `delta_resource_deleted_by` CHECK (`deleted_by` in ('worker','request','missing')),
  CONSTRAINT `delta_resource_object_id` CHECK (octet_length(`object_id`) >= 1),
  CONSTRAINT `delta_resource_flags` CHECK (`lease_cancel` in (0,1) and `paused` in (0,1))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `delta_resource` WRITE;
/*!40000 ALTER TABLE `delta_resource` DISABLE KEYS */;
INSERT INTO `delta_resource` (`id`, `namespace_id`, `kind_id`, `object_id`, `state`, `state_since`, `absent_by`, `priority`, `generation`, `synced_generation`, `attempt`, `max_attempts`, `run_at`, `lease_token`, `lease_generation`, `lease_attempt`, `lease_owner`, `lease_until`, `lease_cancel`, `version`, `hash`, `metadata`, `trace`, `error_count`, `external_created_at`, `created_at`, `updated_at`, `attempted_at`, `synced_at`, `deleted_at`, `deleted_by`, `paused`, `claim_namespace`, `expiry_at`, `ended_since`) VALUES (48,11,13,0xF2A8868DC2BB0B,'pending',1748426030866251,NULL,1,3230901266127553076,367,1568356095249915883,NULL,NULL,-3827316073749878563,65,4643595568545657346,-2359864777136645363,171317624995734479,0,6238695659324833876,0x57C3FD28395C6846AB5E42964FD38DBFECDD3B9B64BAB04116E5AAF1364F0A83,'{\"k\" : \"‮Y{򪩀󬺜?󷴒񲾤󼴩\"}',NULL,980,248496662678977187,1831095563446454,1892726604025731,47869167874696973,1837503716099418,NULL,NULL,0,NULL,NULL,NULL),
(68,7,7,0x5D7B7D275C0D,'pending',1690563975376314,NULL,2,4396946483199654479,854,2410776739196770071,262560456160924072,NULL,5052998177538398718,10,6287663260938316025,4470493040624288813,1777722768129206,0,2830175082582487718,0xA2874FC2585404DC417D75C041304510330F65134A3639C6C4F954DD63508D01,'{\"k\" : \"\\\\\"}','00-e43ab5b6a052d5b2c20cd439368c16ca-d41cdc6bebbfc8f6-01',706,NULL,1764371325428092,201257903898458180,NULL,1743049893165089,NULL,NULL,1,NULL,NULL,NULL),
(72,8,4,0xF09F95B4,'scheduled',1728868242983588,NULL,2,5188555240817765430,917,4997306367115095054,NULL,221255315746359688,NULL,NULL,NULL,NULL,NULL,0,8031788058029867673,0x6131599527CDD586D4C3B616C47EEFFDF22AB788EAFAE519D99BBD1D00D76844,NULL,NULL,107,NULL,1842049802389699,1704329656101192,77075990879975475,NULL,NULL,NULL,0,8,NULL,NULL),
(85,1,10,0xF0A0B8822660,'failed',115316557110357816,NULL,4,4563612289566334467,144,5531161771793111323,NULL,245408663513262289,NULL,NULL,NULL,NULL,NULL,0,4120557944068053571,0x44136FA355B3678A1146AD16F7E8649E94FB4FC21FE77E8310C060F61CAAFF8A,NULL,NULL,966,-52118496052213465,1651681286865378,1807856798032953,NULL,251726177819895571,NULL,NULL,1,NULL,NULL,NULL),
(100,10,10,0xF09F95B4242F0D2A7F5DF193A186,'synced',-30608016067002074,'request',2,2311825510154761432,553,7552177040240590831,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,7090673100179471746,0xC0C7A425A4FF16A35AC4B115D1975948D2FDB9E62089FC00359CE8861EB843CE,'{\"k\" : \"Ⱥ󈒓{&Ѩ\\\\?\\\"\\\"򢬯\"}',NULL,724,47047749930168694,65663193019552538,1671145119583886,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL),
(128,5,14,0x7B,'degraded',-46962463511457444,'request',3,7608023384741423998,760,1106794554282487527,2563228801227247702,NULL,NULL,NULL,NULL,NULL,NULL,0,1342923250298246828,0x411A75E50278009B7AF31B03034ECED7B38270D430B418E9A2B9C835D290FAA8,NULL,NULL,0,244025993035274676,171045578507397911,1758538288190707,NULL,73075385023209389,NULL,NULL,0,NULL,NULL,-46962463511457444),
(133,10,11,0x7D0A,'deleted',229098918687110531,NULL,3,2719901011317302912,644,4765036654099469498,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,2061683037008174328,0xFC77CB7DFC2842566F8319BE9B3BC07AAABC7161CAD00D4668E539E2B08D1258,'{\"k\" : \"]\\\\{\"}','00-43fc19509b36a8befaf47eca0adc6f63-de0e72a40179b20d-00',241,18833566029979376,1875235183933130,95422297498406432,197877997833701269,153669996304062063,95422297498406432,'missing',1,NULL,NULL,229098918687110531),
(177,1,16,0x6D6D,'expired',1847399398124347,NULL,2,4986335061452870574,507,1670234955850355046,2304284760705136216,-26824858347975463,NULL,NULL,NULL,NULL,NULL,0,4035489136013425035,0xBDFFB6BBE197C1C4FD868BEB8A2BB784F21CB6D4AF76998D2AA1C88D1A86C61C,'{\"k\" : \"¥\"}',NULL,870,1804207827899714,-57218913187338146,153626979007860972,1739946255343787,1655314365323172,NULL,NULL,1,NULL,NULL,NULL),
(218,15,16,0x654E,'pending',1843981717801883,'missing',1,1425808523123761937,614,2337229430511340227,6321591893424249561,87524022220227728,8785187440292760478,282,8783354986537899451,-900543680904369849,88487457121132497,1,2186422774320570044,0xC786DCDCE8E9E42642DF7962F8B02C66DFCD4ACAA90B6B664B45B3009781AC20,NULL,'00-da60a55ab8fcfad7f97a0be1edc6690e-5ea0fa7d8fe6ed67-00',0,NULL,100356212876155437,1754975775991927,231856774119827831,NULL,NULL,NULL,0,NULL,NULL,NULL),
(223,11,6,0x6820,'degraded',1890247730091065,NULL,4,1889424749266491162,569,1580986955057319269,1100639375297131,NULL,NULL,NULL,NULL,NULL,NULL,0,9200094229653516200,0x1A5D70E8921FB4F1998D30765E2D15B2808BF5F95F764BE648B1E93F26B9449D,NULL,'00-fdb45a60956bc501e1d5ee4df69980bf-5c1bc314f5196f9e-01',593,NULL,1632450825634923,129500900271693648,NULL,NULL,NULL,NULL,1,NULL,NULL,1890247730091065);
/*!40000 ALTER TABLE `delta_resource` ENABLE KEYS */;
UNLOCK TABLES;
/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;

/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;
/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;
/*!40014 SET UNIQUE_CHECKS=@OLD_UNIQUE_CHECKS */;
/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */;
/*!40101 SET CHARACTER_SET_RESULTS=@OLD_CHARACTER_SET_RESULTS */;
/*!40101 SET COLLATION_CONNECTION=@OLD_COLLATION_CONNECTION */;
/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */;

